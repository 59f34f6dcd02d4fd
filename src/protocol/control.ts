/**
 * The control messages of `httpfstream.v1`: text frames, each one JSON object with a `type`.
 * @module
 */
import { type EndedReason, endedReasonOf } from "./end-reason.ts";
import { StreamError } from "./errors.ts";

/** What a server says. An appender is told no reason with `end`: its append is complete. */
export type ServerControl =
  | {
      readonly type: "start";
      readonly offset: number;
      readonly generation?: string;
      readonly session?: string;
      readonly window?: number;
    }
  | { readonly type: "ack"; readonly offset: number }
  | { readonly type: "heartbeat"; readonly offset: number }
  | { readonly type: "end"; readonly offset: number; readonly reason?: EndedReason };

/** What an appender says when it is done. */
export const END_MESSAGE: Uint8Array = new TextEncoder().encode('{"type":"end"}');

/** A server's message, as it travels. */
export function encodeControl(message: ServerControl): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/**
 * Understands a text frame; nothing for a message of a type that is not known here, which means nothing.
 *
 * @throws {StreamError} `protocol` for what no server of `httpfstream.v1` may send.
 * @example
 * ```ts
 * parseControl(new TextEncoder().encode('{"type":"ack","offset":7}')); // { type: "ack", offset: 7 }
 * ```
 */
export function parseControl(bytes: Uint8Array): ServerControl | undefined {
  const message = objectIn(bytes);
  if (!message) throw new StreamError("protocol", "The server sent a text frame that is no JSON object.");
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
      return { type: "end", offset: count(message, "offset"), reason: endedReasonOf(message["reason"]) };
    default:
      return undefined;
  }
}

/**
 * The type of a control message that came in. Types nobody knows are for the caller to ignore.
 *
 * @throws {StreamError} `protocol` when it is no JSON object with a `type`.
 */
export function controlType(bytes: Uint8Array): string {
  const type = objectIn(bytes)?.["type"];
  if (typeof type === "string") return type;
  throw new StreamError("protocol", "A text frame must be one JSON object with a type: data travels in binary frames.");
}

function objectIn(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const message: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof message === "object" && message !== null ? (message as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function count(message: Record<string, unknown>, name: string): number {
  const value = message[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new StreamError("protocol", `The server sent "${message["type"]}" without a proper "${name}".`);
}
