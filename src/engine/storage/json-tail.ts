/**
 * The end of the last message of a JSON stream. Another program may have left an unfinished line behind it.
 * @module
 */
import { NEWLINE } from "../../support/ascii.ts";
import { PieceReader } from "./piece-reader.ts";
import type { Store, StoreStat } from "./store.ts";

/** Bytes per read in the search for the last line end. */
const LOOK_BYTES = 64 * 1024;

/**
 * The offset just past the last line end; 0 without one.
 *
 * @throws {StreamError} what reading the store throws.
 */
export async function lineEndOf(
  store: Store,
  path: string,
  { size, generation }: Pick<StoreStat, "size" | "generation">,
): Promise<number> {
  // Nearly always, the last byte is a line end.
  for (let to = size, length = 1; to > 0; to -= Math.min(to, length), length = LOOK_BYTES) {
    const from = Math.max(0, to - length);
    const bytes = await bytesOf(store, path, { from, to, generation });
    const last = bytes.lastIndexOf(NEWLINE);
    if (last !== -1) return from + last + 1;
  }
  return 0;
}

/** A range of a content. */
export interface ByteRangeOf {
  readonly from: number;
  readonly to: number;
  /** Empty for any. */
  readonly generation: string;
}

/**
 * The bytes of a range, at once.
 *
 * @throws {StreamError} what reading the store throws.
 */
export async function bytesOf(store: Store, path: string, { from, to, generation }: ByteRangeOf): Promise<Uint8Array> {
  const bytes = new Uint8Array(to - from);
  if (bytes.length === 0) return bytes;
  const pieces = new PieceReader(store.read(path, from, to, undefined, generation || undefined), bytes.length);
  let filled = 0;
  try {
    for (let piece = await pieces.read(); piece; piece = await pieces.read()) {
      bytes.set(piece, filled);
      filled += piece.length;
    }
  } finally {
    await pieces.cancel().catch(() => {});
  }
  return bytes.subarray(0, filled);
}
