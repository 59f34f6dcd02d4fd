/**
 * Digests of what a store has.
 * @module
 */
import type { Hash } from "node:crypto";
import { PieceReader } from "../../engine/storage/piece-reader.ts";
import type { Store } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";

/** Bytes of the largest piece that is read. */
const PIECE_BYTES = 1024 * 1024;

/** Bytes of one content of a path. */
export interface StoredRange {
  readonly store: Store;
  readonly path: string;
  /** The first byte. */
  readonly from: number;
  /** Just past the last byte. */
  readonly to: number;
  readonly generation: string;
  /** Ends the read with its reason. */
  readonly signal: AbortSignal;
}

/**
 * Reads a range piece by piece.
 *
 * @param take Receives each piece; the next one is read into other memory once it has resolved.
 * @throws {StreamError} What the store throws, and `changed` if it has fewer bytes.
 */
export async function readRange(range: StoredRange, take: (piece: Uint8Array) => void | Promise<void>): Promise<void> {
  const { store, path, from, to, generation, signal } = range;
  if (to <= from) return;
  const stream = store.read(path, from, to, signal, generation === "" ? undefined : generation);
  const pieces = new PieceReader(stream, PIECE_BYTES);
  let at = from;
  try {
    for (let piece = await pieces.read(); piece; piece = await pieces.read()) {
      await take(piece);
      at += piece.length;
      pieces.reuse(piece);
    }
  } finally {
    await pieces.cancel().catch(() => {});
  }
  // A read that was ended by its signal ends without an error.
  signal.throwIfAborted();
  if (at !== to) throw new StreamError("changed", `"/${path}" has fewer bytes than its store says.`, { path });
}

/** Adds the bytes of a range to a digest. */
export function addDigest(hash: Hash, range: StoredRange): Promise<void> {
  return readRange(range, (piece) => void hash.update(piece));
}
