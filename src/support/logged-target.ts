/**
 * The part of a URL that belongs into a log.
 * @module
 */
import { withoutTokens } from "./printable.ts";

/**
 * The path of a URL or of a request target as the client sent it, without the query, and without a token that was encoded
 * into the path.
 *
 * @example
 * ```ts
 * loggedTarget("http://host/a%20b?access_token=s3cret"); // "/a%20b"
 * ```
 */
export function loggedTarget(url: string): string {
  return withoutTokens(url.replace(/^[a-z+]+:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, ""));
}
