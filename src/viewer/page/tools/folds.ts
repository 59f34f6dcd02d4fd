/**
 * Groups of lines that can be hidden, such as `##[group]` and sections of GitLab.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import { endOfGroup, textOf } from "../rows/row.ts";
import type { Row } from "../rows/rows.ts";

/** Most bytes of a group. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Most bytes of a group that is hidden by itself. */
const MAX_COLLAPSED_BYTES = 1024 * 1024;

/** Hides the lines of a group, or shows them again. Returns whether anything has changed. */
export async function toggleGroup(lines: Lines, { offset }: Pick<Row, "offset">): Promise<boolean> {
  const group = await groupAt(lines, offset);
  if (lines.folds.delete(group.from)) return true;
  if (!group.end) return false;
  const { at, isFound } = await endBehind(lines, group.end, group.from, group.from + MAX_BYTES);
  // Of a group that is still growing, the lines that have arrived are hidden.
  if (!isFound && lines.size > group.from + MAX_BYTES) return false;
  return hide(lines, group.from, at);
}

/** The groups that say that they are hidden at first. Each is hidden once; then it is up to the reader. */
export class Collapsed {
  /** Where to continue the search for the ends of groups; undefined if it is done. */
  readonly #places = new Map<number, number | undefined>();

  /**
   * Hides groups whose ends have arrived.
   *
   * @param offsets The lines that begin them.
   * @param isInUse Whether the reader is between two offsets. Then the lines there stay.
   * @returns Whether anything has changed.
   */
  async hide(
    lines: Lines,
    offsets: readonly number[],
    isInUse: (from: number, to: number) => boolean,
  ): Promise<boolean> {
    let isChanged = false;
    for (const offset of offsets) {
      const place = this.#places.get(offset);
      if (place === undefined ? this.#places.has(offset) : place >= lines.size) continue;
      const { from, end } = await groupAt(lines, offset);
      if (!end) continue;
      const most = from + MAX_COLLAPSED_BYTES;
      const { at, isFound } = await endBehind(lines, end, place ?? from, most);
      this.#places.set(offset, isFound || at >= most ? undefined : at);
      if (isFound && !isInUse(from, at) && !lines.folds.hasTarget(from, at)) {
        isChanged = hide(lines, from, at) || isChanged;
      }
    }
    return isChanged;
  }
}

/** The group that a line begins: where its lines begin, and what ends it; undefined if the line begins none. */
async function groupAt(lines: Lines, offset: number): Promise<{ readonly from: number; readonly end?: RegExp }> {
  const { bytes, next, isEnded } = await lines.line(offset);
  const end = isEnded ? endOfGroup(textOf(bytes)) : undefined;
  return { from: next, ...(end && { end }) };
}

/**
 * Looks for the end of a group.
 *
 * @returns The line that ends it, or else where to look on: a line that is not complete may still become its end.
 */
async function endBehind(
  lines: Lines,
  end: RegExp,
  from: number,
  most: number,
): Promise<{ readonly at: number; readonly isFound: boolean }> {
  let at = from;
  while (at < Math.min(lines.size, most)) {
    const { bytes, next, isEnded } = await lines.line(at);
    const isFound = end.test(textOf(bytes));
    if (isFound || !isEnded) return { at, isFound };
    at = next;
  }
  return { at, isFound: false };
}

function hide(lines: Lines, from: number, to: number): boolean {
  if (to > from) lines.folds.set(from, to);
  return to > from;
}
