/**
 * Cursors: numbers that make a client's next live read another URL, so that a cache never repeats the previous response.
 * @module
 */

/** When the first interval began: 2024-10-09, 00:00 UTC. */
const EPOCH_MS = Date.UTC(2024, 9, 9);

/** Milliseconds of an interval. */
const INTERVAL_MS = 20_000;

/** The greatest number of intervals, within an hour, that a cursor is moved ahead. */
const MAX_AHEAD = 180;

/**
 * The cursor for an answer: the number of the current interval, but always after that of the request.
 *
 * @param asked The cursor of the request.
 * @param nowMs The current time, in milliseconds since 1970.
 */
export function cursorAfter(asked: string | undefined, nowMs: number = Date.now()): string {
  const current = Math.max(0, Math.floor((nowMs - EPOCH_MS) / INTERVAL_MS));
  const last = asked !== undefined && /^\d{1,15}$/.test(asked) ? Number(asked) : -1;
  if (last < current) return String(current);
  return String(last + 1 + Math.floor(Math.random() * MAX_AHEAD));
}
