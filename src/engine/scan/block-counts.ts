/**
 * How many line feeds each block of a content has.
 * @module
 */
import { countNewlines } from "./newlines.ts";

/** Bytes per block. */
export const BLOCK_BYTES: number = 64 * 1024;

/** Blocks for which there is room at first. */
const FIRST_BLOCKS = 16;

/** Counts of the blocks from the first byte on. The last one may be a part of a block, and grows. */
export class BlockCounts {
  #counts = new Uint32Array(FIRST_BLOCKS);
  #size = 0;

  /** Bytes that were counted: the offset of the next one. */
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

  /** The counts from a block on. */
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
