/**
 * Reads a range in slices that fit into one turn of the event loop.
 * @module
 */
import { PieceReader } from "../storage/piece-reader.ts";
import type { Store } from "../storage/store.ts";
import type { ScanTurns } from "./scan-turns.ts";

/** Maximum bytes of a slice. */
const SLICE_BYTES = 1024 * 1024;

/** The range to scan, and the means. */
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
 * Yields the slices of a range, each in its own turn. While the caller works on a slice, the next one is read. The memory of
 * a slice is reused: it is valid until the next iteration.
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
      // It is awaited only if the caller continues.
      next.catch(() => {});
      yield piece;
      pieces.reuse(piece);
    }
  } finally {
    await pieces.cancel().catch(() => {});
  }
}
