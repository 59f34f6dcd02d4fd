/**
 * The rows above and below the window: enough to scroll by pixels, and never more than 500 in all.
 * @module
 */
import type { Rows } from "./rows.ts";

/** Rows to add at once. */
export const BATCH = 40;

/** Height of a row with one line of text. */
const MIN_ROW_PIXELS = 18;

/** Maximum pixels of all rows, if each has one line of text. */
const MAX_ROW_PIXELS = 7_200;

/** Minimum pixels of rows above and below the window. */
const MARGIN_PIXELS = 600;

/** Pixels of rows beyond the margin that are kept. */
const SLACK_PIXELS = 900;

/** The number of lines that fill a window of a height. */
export function screenfulOf(height: number): number {
  return Math.ceil(height / MIN_ROW_PIXELS) + 1;
}

/** The pixels of rows above and below a window of a height. */
export function marginOf(height: number): number {
  const most = (MAX_ROW_PIXELS - height) / 2 - SLACK_PIXELS;
  return Math.max(MARGIN_PIXELS, Math.min(1.5 * height, most));
}

/**
 * Removes the rows that are too far from the window.
 *
 * @param y Pixels of the rows above the window.
 * @returns The pixels that are left above it.
 */
export function trim(rows: Rows, y: number, height: number): number {
  const most = marginOf(height) + SLACK_PIXELS;
  let above = y;
  for (let first = rows.first; first; first = rows.first) {
    const { offsetHeight } = first.element;
    if (above - offsetHeight < most) break;
    rows.removeFirst();
    above -= offsetHeight;
  }
  let below = rows.height - above - height;
  for (let last = rows.last; last; last = rows.last) {
    below -= last.element.offsetHeight;
    if (below < most) break;
    rows.removeLast();
  }
  return above;
}
