/**
 * The control messages of `httpfstream.v1`, as a client takes and sends them.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** How an append ended, as far as the server says: `unknown` where it says nothing that is known here. */
export type EndReason = "complete" | "lost" | "failed" | "limit" | "deleted" | "replaced" | "unknown";

/** What a server says. */
export type Control =
  | {
      readonly type: "start";
      readonly offset: number;
      readonly generation?: string;
      readonly session?: string;
      readonly window?: number;
    }
  | { readonly type: "ack"; readonly offset: number }
  | { readonly type: "heartbeat"; readonly offset: number }
  | { readonly type: "end"; readonly offset: number; readonly reason: EndReason };

const REASONS: readonly string[] = ["complete", "lost", "failed", "limit", "deleted", "replaced"];

/** A reason as a server names it; `unknown` where it names none that is known here. */
export function reasonOf(said: unknown): EndReason {
  return typeof said === "string" && REASONS.includes(said) ? (said as EndReason) : "unknown";
}

/** What an appender says when it is done. */
export const END_MESSAGE: Uint8Array = new TextEncoder().encode('{"type":"end"}');

/**
 * Understands a text frame; nothing for a message of a type that is not known here, which means nothing.
 *
 * @throws {StreamError} `protocol` for what no server of `httpfstream.v1` may send.
 * @example
 * ```ts
 * parseControl(new TextEncoder().encode('{"type":"ack","offset":7}')); // { type: "ack", offset: 7 }
 * ```
 */
export function parseControl(bytes: Uint8Array): Control | undefined {
  const message = parse(bytes);
  switch (message["type"]) {
    case "start": {
      const { generation, session, window } = message;
      return {
        type: "start",
        offset: count(message, "offset"),
        ...(typeof generation === "string" && generation !== "" && { generation }),
        ...(typeof session === "string" && { session }),
        ...(window !== undefined && { window: count(message, "window") }),
      };
    }
    case "ack":
    case "heartbeat":
      return { type: message["type"], offset: count(message, "offset") };
    case "end":
      return { type: "end", offset: count(message, "offset"), reason: reasonOf(message["reason"]) };
    default:
      return undefined;
  }
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const message: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof message === "object" && message !== null) return message as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new StreamError("protocol", "The server sent a text frame that is no JSON object.");
}

function count(message: Record<string, unknown>, name: string): number {
  const value = message[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new StreamError("protocol", `The server sent "${message["type"]}" without a proper "${name}".`);
}
