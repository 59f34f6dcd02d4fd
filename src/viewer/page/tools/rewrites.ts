/**
 * Lines that a progress display writes over while they are shown.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import type { Scroller } from "../rows/scroller.ts";

/** Shows what has come. If lines were overwritten by that, shows all lines anew. */
export async function showGrowth(lines: Lines, scroller: Scroller, sizeBefore: number): Promise<void> {
  if (!(await lines.overwritten?.changed(sizeBefore))) return scroller.grown();
  if (scroller.isFollowing) return scroller.follow();
  await scroller.reload();
  // The end may have come into view by that.
  scroller.stay();
}

/** Goes to a line, also if it was overwritten. */
export async function jumpTo(lines: Lines, scroller: Scroller, offset: number, part: number): Promise<void> {
  const { overwritten } = lines;
  const line = await lines.floor(Math.min(offset, Math.max(0, lines.size - 1)));
  if (overwritten && (await overwritten.first(line)) !== line) await overwritten.open(line);
  await scroller.jump(offset, part);
}
