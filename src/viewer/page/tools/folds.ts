/**
 * Groups of lines that can be hidden, such as `##[group]` and sections of GitLab.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import { endOfGroup, textOf } from "../rows/row.ts";
import type { Row } from "../rows/rows.ts";

/** Lines to read at once. */
const BATCH = 500;

/** Most bytes of a group. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Hides the lines of a group, or shows them again. Returns whether anything has changed. */
export async function toggleGroup(lines: Lines, { offset, next }: Row): Promise<boolean> {
  if (lines.folds.delete(next)) return true;
  const [begin] = await lines.from(offset, 1);
  const end = begin && endOfGroup(textOf(begin.bytes));
  if (!end) return false;
  for (let at = next; at < Math.min(lines.size, next + MOST_BYTES); ) {
    const more = await lines.from(at, BATCH);
    const found = more.find(({ bytes }) => end.test(textOf(bytes)));
    const last = found ?? more[more.length - 1];
    if (found || !last?.isEnded) {
      const to = found ? found.offset : lines.size;
      if (to > next) lines.folds.set(next, to);
      return to > next;
    }
    at = last.next;
  }
  return false;
}
