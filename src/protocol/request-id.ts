/**
 * The name of a request, which its response, its log lines and its events have in common.
 * @module
 */

/** The header that carries the id of a request, in both directions. */
export const REQUEST_ID_HEADER = "X-Request-Id";

/** Ids that are safe in headers, in log lines and in searches. */
const REQUEST_ID = /^[\w.:/+=@-]{1,128}$/;

/**
 * Whether a value may be the id of a request: 1 to 128 ASCII letters, digits and characters of `_ . : / + = @ -`.
 *
 * @example
 * ```ts
 * isRequestId("deploy/42"); // true
 * isRequestId("a b"); // false
 * ```
 */
export function isRequestId(value: unknown): value is string {
  return typeof value === "string" && REQUEST_ID.test(value);
}
