/**
 * Groups of lines that can be hidden, such as `##[group]` and sections of GitLab.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import { endOfGroup, textOf } from "../rows/row.ts";
import type { Row } from "../rows/rows.ts";

/** Most bytes of a group. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Hides the lines of a group, or shows them again. Returns whether anything has changed. */
export async function toggleGroup(lines: Lines, { offset }: Pick<Row, "offset">): Promise<boolean> {
  const begin = await lines.line(offset);
  const from = begin.next;
  if (lines.folds.delete(from)) return true;
  const end = endOfGroup(textOf(begin.bytes));
  if (!end || !begin.isEnded) return false;
  for (let at = from; at < Math.min(lines.size, from + MAX_BYTES); ) {
    const { bytes, next } = await lines.line(at);
    if (end.test(textOf(bytes))) return hide(lines, from, at);
    at = next;
  }
  // A group that goes on is hidden as far as it has come.
  return lines.size <= from + MAX_BYTES && hide(lines, from, lines.size);
}

function hide(lines: Lines, from: number, to: number): boolean {
  if (to > from) lines.folds.set(from, to);
  return to > from;
}
