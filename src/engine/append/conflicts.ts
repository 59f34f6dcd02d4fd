/**
 * Refusals of a path that has an appender, and the time for which it may still have one.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** Slices per grace period. A server that is killed costs the session at most one slice. */
export const GRACE_SLICES = 16;

/**
 * Milliseconds that a grace period can have left, given its record: the slice before the recorded time may have just
 * begun.
 *
 * @example
 * ```ts
 * mostLeftMs(15_000, 30_000); // 16875
 * ```
 */
export function mostLeftMs(recordedMs: number, graceMs: number): number {
  return Math.min(graceMs, recordedMs + graceMs / GRACE_SLICES);
}

/**
 * The refusal of a path that has an appender; with `graceLeftMs`, of one that waits for its appender to resume.
 *
 * @example
 * ```ts
 * taken("a.log", undefined).code; // "conflict"
 * ```
 */
export function heldByAppender(path: string, graceLeftMs: number | undefined): StreamError {
  if (graceLeftMs !== undefined) return heldDuringGrace(path, graceLeftMs);
  const message = `"/${path}" already has an appender. Try again when it has ended.`;
  return new StreamError("conflict", message, { path });
}

/**
 * The refusal of a path whose appender has lost its connection and may resume.
 *
 * @example
 * ```ts
 * inGrace("a.log", 1_500).headers; // { "Retry-After": "2" }
 * ```
 */
export function heldDuringGrace(path: string, leftMs: number): StreamError {
  const seconds = Math.max(1, Math.ceil(leftMs / 1000));
  const kept = `The path stays reserved for it for up to ${seconds} more ${seconds === 1 ? "second" : "seconds"}`;
  const message = `The appender of "/${path}" has lost its connection. ${kept}; try again after that.`;
  return new StreamError("conflict", message, { path, headers: { "Retry-After": String(seconds) } });
}
