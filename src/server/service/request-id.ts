/**
 * The id of a request: that of the host app, of the client or of a proxy, or a new one.
 * @module
 */
import type { Context } from "hono";
import { isRequestId, REQUEST_ID_HEADER } from "../../protocol/request-id.ts";
import { withHeader } from "./respond.ts";

/**
 * Returns the id of a request: the one that Hono's middleware `requestId()` has set, else that of the header, else a new
 * UUID. An id that could not be logged or sent back unchanged does not count.
 */
export function requestIdOf(c: Context): string {
  const known: unknown = c.get("requestId");
  if (isRequestId(known)) return known;
  const given = c.req.header(REQUEST_ID_HEADER);
  return isRequestId(given) ? given : crypto.randomUUID();
}

/** Returns the response with the id of its request. */
export function withRequestId(response: Response, requestId: string): Response {
  return withHeader(response, REQUEST_ID_HEADER, requestId);
}
