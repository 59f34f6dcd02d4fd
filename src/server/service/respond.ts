/**
 * From errors to responses.
 * @module
 */
import { ERROR_HEADER, type StreamError } from "../../protocol/errors.ts";
import { printable } from "../../support/printable.ts";
import { type Mounted, outward } from "./outward.ts";

/** Bytes that a close frame has for its reason. */
const REASON_BYTES = 123;

const ELLIPSIS = "…";

/** A refusal or failure as a response: the status of its code, its headers, one sentence, which may quote what the client sent. */
export function refusal(error: StreamError, at: Mounted = {}): Response {
  return new Response(`${printable(outward(error.message, at))}\n`, {
    status: error.status,
    // Of a plain object `@hono/node-server` would forget what is set on the response afterwards.
    headers: new Headers({
      "Content-Type": "text/plain; charset=utf-8",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      [ERROR_HEADER]: error.code,
      ...error.headers,
    }),
  });
}

/** A WebSocket close reason: at most 123 bytes of UTF-8, as a close frame takes it. */
export function closeReason(sentence: string, at: Mounted = {}): string {
  const message = printable(outward(sentence, at));
  const encoder = new TextEncoder();
  if (encoder.encode(message).length <= REASON_BYTES) return message;
  // What does not fit as a whole is left out: no character is cut.
  const { read } = encoder.encodeInto(message, new Uint8Array(REASON_BYTES - encoder.encode(ELLIPSIS).length));
  return `${message.slice(0, read).trimEnd()}${ELLIPSIS}`;
}
