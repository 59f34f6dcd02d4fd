/**
 * From errors to responses and close reasons.
 * @module
 */
import { ERROR_HEADER, type StreamError } from "../../protocol/errors.ts";
import { printable } from "../../support/printable.ts";
import { type MountedPath, messageFor, withMountPath } from "./mount-path.ts";

/** Maximum bytes of the reason in a close frame. */
const REASON_BYTES = 123;

const ELLIPSIS = "…";

/**
 * A refusal or failure as a response: the status and the headers of the error, and its message, which may quote the
 * client.
 */
export function refusal(error: StreamError, at: MountedPath = {}): Response {
  return new Response(`${printable(messageFor(error, at))}\n`, {
    status: error.status,
    // With a plain object, `@hono/node-server` would drop headers that are set on the response later.
    headers: new Headers({
      "Content-Type": "text/plain; charset=utf-8",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      [ERROR_HEADER]: error.code,
      ...error.headers,
    }),
  });
}

/** Returns the response with a header. The headers of some responses are immutable, as those of `Response.redirect()`. */
export function withHeader(response: Response, name: string, value: string): Response {
  try {
    response.headers.set(name, value);
    return response;
  } catch {
    const copy = new Response(response.body, response);
    copy.headers.set(name, value);
    return copy;
  }
}

/** A WebSocket close reason of at most 123 bytes of UTF-8, the maximum of a close frame. */
export function closeReason(sentence: string, at: MountedPath = {}): string {
  const message = printable(withMountPath(sentence, at));
  const encoder = new TextEncoder();
  if (encoder.encode(message).length <= REASON_BYTES) return message;
  // `encodeInto` stops before a character that does not fit, so that no character is cut.
  const { read } = encoder.encodeInto(message, new Uint8Array(REASON_BYTES - encoder.encode(ELLIPSIS).length));
  return `${message.slice(0, read).trimEnd()}${ELLIPSIS}`;
}
