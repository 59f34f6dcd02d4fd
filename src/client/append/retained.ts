/**
 * Bytes of an append that the server has not acknowledged: kept, so that they can be sent again.
 * @module
 */

/** Bytes are kept in blocks of this size. */
const BLOCK_BYTES = 64 * 1024;

/** A queue of bytes, addressed by their offsets in the resource. */
export class Retained {
  /** The offset of the first byte kept: everything before it is acknowledged. */
  acked: number;
  /** The offset just past the last byte kept. */
  end: number;
  #blocks: Uint8Array[] = [];
  /** The offset at which the first block begins. */
  #base: number;

  /** @param offset Where the first byte goes. */
  constructor(offset: number) {
    this.acked = this.end = this.#base = offset;
  }

  /** Bytes kept. */
  get length(): number {
    return this.end - this.acked;
  }

  /** Keeps a copy: the caller may use its buffer again. */
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
   * Some of the bytes from an offset on: at least one where there is one, at most `most`. What is returned is not
   * changed afterwards.
   */
  slice(from: number, most: number): Uint8Array {
    const at = from - this.#base;
    const block = this.#blocks[Math.floor(at / BLOCK_BYTES)];
    if (!block || from >= this.end) return new Uint8Array(0);
    const start = at % BLOCK_BYTES;
    return block.subarray(start, Math.min(start + most, start + this.end - from, BLOCK_BYTES));
  }

  /** Forgets everything before an offset, which lies between {@link acked} and {@link end}. */
  ack(offset: number): void {
    this.acked = offset;
    const done = Math.floor((offset - this.#base) / BLOCK_BYTES);
    if (done === 0) return;
    this.#blocks.splice(0, done);
    this.#base += done * BLOCK_BYTES;
  }
}
