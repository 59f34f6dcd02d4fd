/**
 * Copies and saves lines, without escape sequences and without numbers.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import { plainTextOf } from "../rows/row.ts";

/** Most bytes to copy. */
const MAX_BYTES = 16 * 1024 * 1024;

const NEWLINE = 10;

/** Bytes to read at once. */
const PIECE_BYTES = 64 * 1024;

/** Pieces to read side by side. */
const AT_ONCE = 8;

/** The bytes between two offsets; undefined if they are too many. */
async function bytesBetween(lines: Lines, from: number, to: number): Promise<Uint8Array | undefined> {
  if (to - from > MAX_BYTES) return undefined;
  const bytes = new Uint8Array(Math.max(0, to - from));
  let next = from;
  const read = async (): Promise<void> => {
    while (next < to) {
      const at = next;
      // A piece is a block, or the part of one that is needed.
      next = Math.min(to, (Math.floor(at / PIECE_BYTES) + 1) * PIECE_BYTES);
      bytes.set(await lines.bytes(at, next), at - from);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, read));
  return bytes;
}

/** The lines with the bytes between two offsets, as plain text; undefined if they are too many. */
export async function textOfLines(lines: Lines, from: number, to: number): Promise<string | undefined> {
  if (from >= lines.size) return "";
  // A link to a byte marks the line that has it.
  const begin = await lines.floor(from);
  const { next } = await lines.line(await lines.floor(Math.min(to, lines.size) - 1));
  const bytes = await bytesBetween(lines, begin, next);
  if (!bytes) return undefined;
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, at);
    const end = found === -1 ? bytes.length : found;
    texts.push(plainTextOf(bytes.subarray(at, end)), found === -1 ? "" : "\n");
    at = end + 1;
  }
  return texts.join("");
}
