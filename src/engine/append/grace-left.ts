/**
 * How long a path may still be reserved for an appender that has lost its connection.
 * @module
 */

/** Slices per grace period. A server that is killed costs the session at most one slice. */
export const GRACE_SLICES = 16;

/**
 * Milliseconds that a grace period can have left, given its record: the slice before the recorded time may have just
 * begun.
 *
 * @example
 * ```ts
 * maxRemainingMs(15_000, 30_000); // 16875
 * ```
 */
export function maxRemainingMs(recordedMs: number, graceMs: number): number {
  return Math.min(graceMs, recordedMs + graceMs / GRACE_SLICES);
}
