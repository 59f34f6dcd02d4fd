/**
 * Line feeds per block of a content.
 * @module
 */
import { countNewlines } from "./newlines.ts";

/** Bytes per block. */
export const BLOCK_BYTES: number = 64 * 1024;

/** The initial capacity in blocks. */
const FIRST_BLOCKS = 16;

/** The counts of all blocks from the first byte on. The last block may be incomplete. */
export class BlockCounts {
  #counts = new Uint32Array(FIRST_BLOCKS);
  #size = 0;

  /** The number of bytes that were counted. */
  get size(): number {
    return this.#size;
  }

  /** Counts the next bytes. */
  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const block = Math.floor(this.#size / BLOCK_BYTES);
      const end = Math.min(bytes.length, at + (block + 1) * BLOCK_BYTES - this.#size);
      if (block === this.#counts.length) this.#grow();
      this.#counts[block] = (this.#counts[block] ?? 0) + countNewlines(bytes, at, end);
      this.#size += end - at;
      at = end;
    }
  }

  /** The counts from a block to the last one. */
  from(block: number): readonly number[] {
    return [...this.#counts.subarray(block, blocksOf(this.#size))];
  }

  #grow(): void {
    const larger = new Uint32Array(this.#counts.length * 2);
    larger.set(this.#counts);
    this.#counts = larger;
  }
}

/** The number of blocks of a content. */
export function blocksOf(size: number): number {
  return Math.ceil(size / BLOCK_BYTES);
}
