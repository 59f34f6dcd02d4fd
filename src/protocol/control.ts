/**
 * The control messages of `httpfstream.v1`: text frames, each with one JSON object that has a `type`.
 * @module
 */
import { type EndedReason, endedReasonOf } from "./end-reason.ts";
import { StreamError } from "./errors.ts";

/**
 * A control message from the server. An appender gets a reason with `end` only if its append ended at a
 * limit; without one, the append is complete. `closed` with the `end` of a standing follow: the stream is closed.
 */
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
  | { readonly type: "idle"; readonly offset: number; readonly reason: EndedReason }
  | { readonly type: "end"; readonly offset: number; readonly reason?: EndedReason; readonly closed?: boolean };

const encoder = new TextEncoder();

/** The control message with which an appender completes its append. */
export const END_MESSAGE: Uint8Array = encoder.encode('{"type":"end"}');

/**
 * Encodes a server's control message for the wire.
 *
 * @example
 * ```ts
 * encodeControl({ type: "ack", offset: 7 }); // the bytes of {"type":"ack","offset":7}
 * ```
 */
export function encodeControl(message: ServerControl): Uint8Array {
  return encoder.encode(JSON.stringify(message));
}

/**
 * Parses a control message from the server. Returns undefined for an unknown type, which the caller must ignore.
 *
 * @throws {StreamError} `protocol` for a message that no server of `httpfstream.v1` may send.
 * @example
 * ```ts
 * parseControl(new TextEncoder().encode('{"type":"ack","offset":7}')); // { type: "ack", offset: 7 }
 * ```
 */
export function parseControl(bytes: Uint8Array): ServerControl | undefined {
  const message = objectIn(bytes);
  if (!message) throw new StreamError("protocol", "The server sent a text frame that is not a JSON object.");
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
    case "idle":
      return { type: "idle", offset: count(message, "offset"), reason: endedReasonOf(message["reason"]) };
    case "end":
      return {
        type: "end",
        offset: count(message, "offset"),
        reason: endedReasonOf(message["reason"]),
        ...(message["closed"] === true && { closed: true }),
      };
    default:
      return undefined;
  }
}

/**
 * The type of an incoming control message. The caller must ignore unknown types.
 *
 * @throws {StreamError} `protocol` if the message is not a JSON object with a `type`.
 * @example
 * ```ts
 * controlType(END_MESSAGE); // "end"
 * ```
 */
export function controlType(bytes: Uint8Array): string {
  const type = objectIn(bytes)?.["type"];
  if (typeof type === "string") return type;
  throw new StreamError("protocol", "A text frame must be one JSON object with a type: data travels in binary frames.");
}

function objectIn(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const message: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof message === "object" ? (message as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

function count(message: Record<string, unknown>, name: string): number {
  const value = Number.isSafeInteger(message[name]) ? Number(message[name]) : -1;
  if (value >= 0) return value;
  throw new StreamError("protocol", `The server sent "${message["type"]}" without a valid "${name}".`);
}
