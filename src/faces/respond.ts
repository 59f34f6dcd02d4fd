/**
 * From errors to responses.
 * @module
 */
import { ERROR_HEADER, type StreamError } from "../core/errors.ts";

/** A refusal or failure as a response: the status of its code, its headers, one sentence. */
export function refusal(error: StreamError): Response {
  return new Response(`${error.message}\n`, {
    status: error.status,
    headers: {
      "Content-Type": "text/plain; charset=utf-8",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      [ERROR_HEADER]: error.code,
      ...error.headers,
    },
  });
}

/** A WebSocket close reason: at most 123 bytes of UTF-8, as a close frame takes it. */
export function closeReason(message: string): string {
  const encoder = new TextEncoder();
  let reason = message;
  while (encoder.encode(reason).length > 123) reason = `${reason.slice(0, -2).trimEnd()}…`;
  return reason;
}
