/**
 * Refusals of a path that has an appender, and how long it may still have one.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** How many slices a grace has. A kill costs one at most, and where there was no kill, a quick return is not recorded. */
export const GRACE_SLICES = 16;

/** What is left of a grace at most, by what its last record says: the slice before that may just have begun. */
export function mostLeftMs(recordedMs: number, graceMs: number): number {
  return Math.min(graceMs, recordedMs + graceMs / GRACE_SLICES);
}

/** The refusal of a path that has an appender. */
export function taken(path: string, graceLeftMs: number | undefined): StreamError {
  if (graceLeftMs !== undefined) return inGrace(path, graceLeftMs);
  const message = `Somebody else is appending to "/${path}" already. Try again when they have ended.`;
  return new StreamError("conflict", message, { path });
}

/** The refusal of a path whose appender has lost its connection, and may come back. */
export function inGrace(path: string, leftMs: number): StreamError {
  const seconds = Math.max(1, Math.ceil(leftMs / 1000));
  const kept = `The path is kept for it for up to ${seconds} more ${seconds === 1 ? "second" : "seconds"}`;
  const message = `The appender of "/${path}" has lost its connection. ${kept}; try again after that.`;
  return new StreamError("conflict", message, { path, headers: { "Retry-After": String(seconds) } });
}
