/**
 * The delays of `follow --wait`.
 * @module
 */

const FIRST_MS = 500;
const MAX_MS = 5_000;

/**
 * Milliseconds before the next attempt. It is short at first, because the appender may start soon, and at most 5 s, so
 * that waiting does not flood the log of the server.
 *
 * @param tries Number of failed attempts, at least 1.
 * @example
 * ```ts
 * [1, 2, 3].map(waitMs); // [500, 750, 1125]
 * ```
 */
export function waitMs(tries: number): number {
  return Math.min(MAX_MS, FIRST_MS * 1.5 ** (tries - 1));
}
