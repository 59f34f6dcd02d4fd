/**
 * Buffer of the bytes that the server has not acknowledged, so that they can be sent again.
 * @module
 */

/** Size of the blocks that hold the bytes. */
const BLOCK_BYTES = 64 * 1024;

/**
 * A queue of bytes, addressed by their offsets in the resource.
 *
 * @example
 * ```ts
 * const retained = new Retained(100);
 * retained.push(Uint8Array.of(1, 2, 3));
 * retained.ack(102);
 * retained.length; // 1
 * ```
 */
export class Retained {
  /** The offset of the first retained byte: all bytes before it are acknowledged. */
  acked: number;
  /** The offset just past the last retained byte. */
  end: number;
  #blocks: Uint8Array[] = [];
  /** The offset at which the first block starts. */
  #base: number;

  /** @param offset The offset of the first byte. */
  constructor(offset: number) {
    this.acked = this.end = this.#base = offset;
  }

  /** Number of retained bytes. */
  get length(): number {
    return this.end - this.acked;
  }

  /** Adds a copy of `bytes`; the caller may reuse its buffer. */
  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const used = (this.end - this.#base) % BLOCK_BYTES;
      if (used === 0) this.#blocks.push(new Uint8Array(BLOCK_BYTES));
      const piece = bytes.subarray(at, at + BLOCK_BYTES - used);
      this.#blocks.at(-1)?.set(piece, used);
      this.end += piece.length;
      at += piece.length;
    }
  }

  /**
   * Returns at most `max` of the bytes from an offset on, and at least one if there is one. The returned bytes do not
   * change afterwards.
   */
  slice(from: number, max: number): Uint8Array {
    const at = from - this.#base;
    const block = this.#blocks[Math.floor(at / BLOCK_BYTES)];
    if (!block || from >= this.end) return new Uint8Array(0);
    const start = at % BLOCK_BYTES;
    return block.subarray(start, Math.min(start + max, start + this.end - from, BLOCK_BYTES));
  }

  /** Removes all bytes before an offset, which must lie between {@link acked} and {@link end}. */
  ack(offset: number): void {
    this.acked = offset;
    const done = Math.floor((offset - this.#base) / BLOCK_BYTES);
    if (done === 0) return;
    this.#blocks.splice(0, done);
    this.#base += done * BLOCK_BYTES;
  }
}
