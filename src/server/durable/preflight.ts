/**
 * The answer to `OPTIONS`: the methods and headers of the server, for browsers that ask before they send a request.
 * @module
 */
import type { Context } from "hono";

import {
  CLOSED_HEADER,
  EXPIRES_HEADER,
  FORK_HEADERS,
  PRODUCER_HEADERS,
  SEQ_HEADER,
  TTL_HEADER,
} from "../../protocol/stream-headers.ts";
import type { Deletes } from "../request/deletes.ts";
import { METHODS } from "../request/verb.ts";

/** Headers of requests that the server reads. */
const REQUEST_HEADERS: readonly string[] = [
  ...["Authorization", "Content-Type", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"],
  ...["Range", "If-Range", "Last-Event-ID", "X-Verb", CLOSED_HEADER, SEQ_HEADER, TTL_HEADER, EXPIRES_HEADER],
  ...Object.values(FORK_HEADERS),
  ...[PRODUCER_HEADERS.id, PRODUCER_HEADERS.epoch, PRODUCER_HEADERS.seq],
];

/**
 * Answers `OPTIONS`. Whether pages of other origins may send the request is up to the CORS headers, which are not made
 * here.
 */
export function optionsOf(_c: Context, { deletes }: { readonly deletes: Deletes }): Response {
  const methods = METHODS.filter((method) => method !== "DELETE" || deletes !== "none");
  return new Response(null, {
    status: 204,
    headers: new Headers({
      Allow: [...methods, "OPTIONS"].join(", "),
      "Access-Control-Allow-Headers": REQUEST_HEADERS.join(", "),
      "X-Content-Type-Options": "nosniff",
    }),
  });
}
