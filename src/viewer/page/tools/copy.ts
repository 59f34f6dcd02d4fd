/**
 * Copies and saves lines, without escape sequences and without numbers.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import { plainTextOf } from "../rows/row.ts";

/** Most bytes to copy. */
const MOST_BYTES = 16 * 1024 * 1024;

const NEWLINE = 10;

/** The lines between two offsets as plain text; undefined if they are too many. */
export async function textBetween(lines: Lines, from: number, to: number): Promise<string | undefined> {
  if (to - from > MOST_BYTES) return undefined;
  const bytes = await lines.bytes(from, Math.min(to, lines.size));
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, at);
    const end = found === -1 ? bytes.length : found;
    texts.push(plainTextOf(bytes.subarray(at, end)), found === -1 ? "" : "\n");
    at = end + 1;
  }
  return texts.join("");
}
