/**
 * The bytes of a range in slices that one turn of the event loop can work on.
 * @module
 */
import { PieceReader } from "../storage/piece-reader.ts";
import type { Store } from "../storage/store.ts";
import type { ScanTurns } from "./scan-turns.ts";

/** Bytes of the largest slice. */
const SLICE_BYTES = 1024 * 1024;

/** What to scan, and with what. */
export interface ScanRange {
  readonly store: Store;
  readonly turns: ScanTurns;
  readonly path: string;
  readonly generation: string;
  /** Offset of the first byte. */
  readonly from: number;
  /** Offset just past the last byte. */
  readonly to: number;
  /** Ends the scan early, without an error. */
  readonly signal: AbortSignal;
}

/**
 * The slices of a range, each in a turn of its own. The memory of a slice is used again for a later one. The next slice is
 * read while the caller works on one.
 *
 * @throws {StreamError} errors of the store.
 */
export async function* scanPieces(range: ScanRange): AsyncGenerator<Uint8Array, void, void> {
  const { store, turns, path, generation, from, to, signal } = range;
  if (from >= to || signal.aborted) return;
  const pieces = new PieceReader(store.read(path, from, to, signal, generation || undefined), SLICE_BYTES);
  let next = pieces.read();
  try {
    for (let piece = await next; piece && !signal.aborted; piece = await next) {
      await turns.next();
      next = pieces.read();
      // It is awaited after the caller's work, which may never end.
      next.catch(() => {});
      yield piece;
      pieces.reuse(piece);
    }
  } finally {
    await pieces.cancel().catch(() => {});
  }
}
