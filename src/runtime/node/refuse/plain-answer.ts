/**
 * Answers that are written to a socket without a response: no request belongs to them, or none that could be read.
 * @module
 */
import { STATUS_CODES } from "node:http";
import { ERROR_HEADER, type ErrorCode } from "../../../protocol/errors.ts";

/** What such an answer says. */
export interface PlainAnswer {
  readonly status: number;
  readonly code: ErrorCode;
  readonly sentence: string;
  /** More headers. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The headers of every such answer. */
const PLAIN_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": "text/plain; charset=utf-8",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** The headers of such an answer. */
export function plainHeaders({ code, headers }: Pick<PlainAnswer, "code" | "headers">): Record<string, string> {
  return { ...PLAIN_HEADERS, [ERROR_HEADER]: code, ...headers };
}

/** The whole answer, after which the connection is closed. */
export function plainAnswer({ status, sentence, ...rest }: PlainAnswer): string {
  const all = { ...plainHeaders(rest), Connection: "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = new TextEncoder().encode(sentence).length + 1;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join("")}Content-Length: ${length}\r\n\r\n`;
  return `${head}${sentence}\n`;
}
