/**
 * Answers requests that the HTTP parser rejects, with a fitting status and a sentence.
 * @module
 */
import { type IncomingMessage, METHODS as KNOWN_METHODS, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { RequestError } from "@hono/node-server";
import { transferFault } from "../../../server/request/unsupported-body.ts";
import { METHODS } from "../../../server/request/verb.ts";
import { printable } from "../../../support/printable.ts";
import type { OnRefused } from "./server-refusal.ts";

interface Answer {
  readonly status: string;
  readonly sentence: string;
  readonly headers?: string;
}

/** The code of the error for a request whose headers are late. There is no limit on the time of a whole request. */
const LATE = "ERR_HTTP_REQUEST_TIMEOUT";

/** Answers by the code of the parser's error. */
const ANSWERS: Record<string, Answer> = {
  HPE_HEADER_OVERFLOW: {
    status: "431 Request Header Fields Too Large",
    sentence: "The URL and the headers together are too long.",
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: "413 Payload Too Large", sentence: "The chunk extensions are too long." },
  [LATE]: { status: "408 Request Timeout", sentence: "The headers of the request did not arrive in time." },
};

const MALFORMED: Answer = { status: "400 Bad Request", sentence: "This is not an HTTP request." };

/** The headers of every such answer. */
const PLAIN: [string, string][] = [
  ["Content-Type", "text/plain; charset=utf-8"],
  ["X-Content-Type-Options", "nosniff"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
];

/** A request line that HTTP allows, with any method. */
const REQUEST_LINE = /^([!#$%&'*+.^_`|~\w-]+) \S+ HTTP\/1\.[01]\r\n/;

/** Bytes to search for it. */
const LINE_BYTES = 4096;

/**
 * Answers requests that cannot be parsed; Node's own answers say less.
 *
 * @param onRefused Called for each request whose headers are late.
 */
export function answerUnreadable(server: Server, onRefused: OnRefused): void {
  const latest = new WeakMap<Duplex, ServerResponse>();
  const deferred = new WeakSet<Duplex>();
  server.on("request", (request, response) => latest.set(request.socket, response));
  server.on("clientError", (error: ParserError, socket) => {
    if (deferred.has(socket)) return;
    if (error.code === LATE) onRefused({ code: "idle", message: ANSWERS[LATE]?.sentence ?? "" });
    const answering = latest.get(socket);
    // Malformed data after a complete request does not concern that request, which gets its own response first.
    if (answering?.req.complete && !answering.writableFinished && socket.writable) {
      deferred.add(socket);
      answering.once("finish", () => answer(error, socket));
      return;
    }
    if (answering && isEmpty(answering.req)) unreadable.add(answering.req);
    answer(error, socket, answering);
  });
}

/** Requests whose heads could be parsed, but nothing of their bodies. */
const unreadable = new WeakSet<IncomingMessage>();

/** Whether the body of a request was malformed from its first byte. */
export function isUnreadable(request: IncomingMessage): boolean {
  return unreadable.has(request);
}

/** Whether neither data nor the end of a body has arrived. */
function isEmpty({ complete, readableLength, readableDidRead }: IncomingMessage): boolean {
  return !complete && readableLength === 0 && !readableDidRead;
}

type ParserError = NodeJS.ErrnoException & { rawPacket?: Buffer };

/** @param answering The response to the malformed request, if its head could be parsed. */
function answer(error: ParserError, socket: Duplex, answering?: ServerResponse): void {
  // Nothing may be written into the middle of a response.
  if (!socket.writable || (answering?.headersSent && !answering.writableEnded)) return void socket.destroy();
  const {
    status,
    sentence,
    headers = "",
  } = unknownMethod(error.rawPacket) ?? unknownTransfer(answering) ?? ANSWERS[error.code ?? ""] ?? MALFORMED;
  const head = `HTTP/1.1 ${status}\r\n${PLAIN.map((pair) => `${pair.join(": ")}\r\n`).join("")}${headers}Connection: close\r\n`;
  const length = Buffer.byteLength(sentence) + 1;
  socket.end(`${head}Content-Length: ${length}\r\n\r\n${sentence}\n`, () => socket.destroy());
}

/** Answers a request that `@hono/node-server` cannot turn into a URL, or whose app has failed. */
export function answerFailed(error: unknown): Response {
  const isRequest = error instanceof RequestError;
  if (!isRequest) console.error(error);
  const sentence = isRequest ? "The target of the request, or its Host header, is malformed." : "The server failed.";
  return new Response(`${sentence}\n`, { status: isRequest ? 400 : 500, headers: PLAIN });
}

/** The parser passes a request with an unknown transfer coding to the app, and fails before the app has answered. */
function unknownTransfer(answering: ServerResponse | undefined): Answer | undefined {
  if (!answering || answering.headersSent) return undefined;
  const sentence = transferFault(answering.req.headers["transfer-encoding"]);
  return sentence === undefined ? undefined : { status: "501 Not Implemented", sentence: printable(sentence) };
}

/** HTTP allows any token as a method; the parser knows a few dozen. */
function unknownMethod(packet: Buffer | undefined): Answer | undefined {
  const [, method] = REQUEST_LINE.exec(packet?.toString("latin1", 0, LINE_BYTES) ?? "") ?? [];
  // A method in lower case is malformed, not unknown.
  if (method === undefined || KNOWN_METHODS.includes(method.toUpperCase())) return undefined;
  const sentence = `The method ${method} is not supported.`;
  return { status: "405 Method Not Allowed", sentence, headers: `Allow: ${METHODS.join(", ")}\r\n` };
}
