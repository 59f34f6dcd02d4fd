/**
 * How long `follow --wait` waits between two tries.
 * @module
 */

const FIRST_MS = 500;
const MOST_MS = 5_000;

/**
 * Milliseconds before the next try: short at first, when the appender may be about to begin, then some seconds, so that a
 * path that nobody writes does not fill the log of its server.
 *
 * @param tries Tries that were in vain.
 * @example
 * ```ts
 * [1, 2, 3].map(waitMs); // [500, 750, 1125]
 * ```
 */
export function waitMs(tries: number): number {
  return Math.min(MOST_MS, FIRST_MS * 1.5 ** (tries - 1));
}
