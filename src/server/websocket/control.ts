/**
 * The control messages of `httpfstream.v1`: text frames, each one JSON object with a `type`.
 * @module
 */
import type { Context } from "hono";
import { Frame } from "../../engine/follow/frame.ts";
import type { EndReason } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";
import { PROTOCOL } from "../../protocol/subprotocol.ts";

/** What a server says. */
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
  | { readonly type: "end"; readonly offset: number; readonly reason?: EndReason };

/** Whether the client offers the subprotocol. */
export function offersV1(c: Context): boolean {
  const offered = (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",");
  return offered.some((name) => name.trim() === PROTOCOL);
}

/** A control message, ready to be sent. */
export function controlFrame(message: ServerControl): Frame {
  return new Frame(new TextEncoder().encode(JSON.stringify(message)), true);
}

/**
 * The type of a control message that came in. Types nobody knows are for the caller to ignore.
 *
 * @throws {StreamError} `protocol` when it is no JSON object with a `type`.
 */
export function controlType(bytes: Uint8Array): string {
  try {
    const message: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof message === "object" && message !== null && "type" in message && typeof message.type === "string") {
      return message.type;
    }
  } catch {
    // Said below.
  }
  throw new StreamError("protocol", "A text frame must be one JSON object with a type: data travels in binary frames.");
}
