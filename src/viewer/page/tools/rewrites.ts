/**
 * Ways to lines that may not be shown, and lines that a progress display writes over while they are shown.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import { humanBytes } from "../rows/row.ts";
import type { Scroller } from "../rows/scroller.ts";
import { byId, showNote } from "../ui/dom.ts";
import type { Hit } from "./hits.ts";

/** Where a hit is in the window: the part of the window before it. */
const PART = 0.3;

/** Shows what has arrived. If that has overwritten lines, shows all lines again. */
export async function showGrowth(lines: Lines, scroller: Scroller, sizeBefore: number): Promise<void> {
  if (!(await lines.overwritten?.changed(sizeBefore))) return scroller.grown();
  if (scroller.isFollowing) return scroller.follow();
  await scroller.reload();
  // The end may have come into view by that.
  scroller.stay();
}

/** Goes to a line, also if it was overwritten, or is hidden with its group. */
export async function jumpTo(lines: Lines, scroller: Scroller, offset: number, part: number): Promise<void> {
  const { overwritten } = lines;
  const line = await lines.floor(Math.min(offset, Math.max(0, lines.size - 1)));
  lines.folds.open(line);
  if (overwritten && (await overwritten.first(line)) !== line) await overwritten.open(line);
  await scroller.jump(offset, part);
}

/** Goes to the line of a hit, and shows enough of it. */
export async function showHit(lines: Lines, scroller: Scroller, { line, offset }: Hit): Promise<void> {
  const isShown = lines.uncover(line, offset);
  await jumpTo(lines, scroller, line, PART);
  if (!isShown)
    showNote(`The hit is ${humanBytes(offset - line)} behind the beginning of its line: too far to be shown.`);
}

/** Moves a part of a row into view. */
export function reveal(scroller: Scroller, range: Range): void {
  const window = byId("window");
  const view = window.getBoundingClientRect();
  const { top, bottom, left, right } = range.getBoundingClientRect();
  if (top < view.top || bottom > view.bottom) {
    scroller.moveBy(top - view.top - PART * view.height);
    // The end may have come into view by that.
    scroller.stay();
  }
  if (left < view.left || right > view.right) window.scrollLeft += left - view.left - PART * view.width;
}
