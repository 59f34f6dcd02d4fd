/**
 * Pieces of bytes that wait, taken in batches. Work and memory grow with the bytes, not with the number of pieces.
 * @module
 */

/** Pieces smaller than this, in bytes, are copied together: an array of its own costs more memory than what is in it. */
const SMALL_BYTES = 64;

/** Small pieces are gathered in memory of at most so many bytes. */
const GATHER_BYTES = 64 * 1024;

/** The least memory to gather in, in bytes. */
const LEAST_BYTES = 256;

/** Entries at the front that may be empty before the array is shortened. */
const SLACK = 1024;

/**
 * Bytes in, batches out, in order.
 *
 * @example
 * ```ts
 * const queue = new PieceQueue();
 * queue.push(new Uint8Array([1, 2]));
 * queue.push(new Uint8Array([3]));
 * queue.take(10); // 1, 2, 3
 * ```
 */
export class PieceQueue {
  #pieces: Uint8Array[] = [];
  /** Where the first piece is. */
  #head = 0;
  /** The newest piece, while it is small and the only one of its kind. */
  #single: Uint8Array | undefined;
  /** Memory in which small pieces are gathered, and how much of it is used. */
  #gathered: Uint8Array | undefined;
  #used = 0;
  #bytes = 0;

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a piece. It may be kept without a copy; do not change it. */
  push(piece: Uint8Array): void {
    const { length } = piece;
    if (length === 0) return;
    this.#bytes += length;
    if (length >= SMALL_BYTES) {
      this.#seal();
      this.#pieces.push(piece);
    } else if (this.#gathered || this.#single) {
      this.#gather(piece);
    } else {
      this.#single = piece;
    }
  }

  /** The next batch, of at most so many bytes: as many whole pieces as fit, or a part of one that does not. */
  take(most: number): Uint8Array {
    this.#seal();
    const first = this.#pieces[this.#head];
    if (!first) return new Uint8Array(0);
    if (first.length > most) {
      this.#pieces[this.#head] = first.subarray(most);
      this.#bytes -= most;
      return first.subarray(0, most);
    }
    let end = this.#head;
    let size = 0;
    for (let piece = this.#pieces[end]; piece && size + piece.length <= most; piece = this.#pieces[++end]) {
      size += piece.length;
    }
    const batch = end === this.#head + 1 ? first : this.#join(end, size);
    this.#drop(end);
    this.#bytes -= size;
    return batch;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#pieces = [];
    this.#head = 0;
    this.#single = undefined;
    this.#gathered = undefined;
    this.#used = 0;
    this.#bytes = 0;
  }

  /** Copies a small piece behind the last one. The memory doubles until it is as large as may be. */
  #gather(piece: Uint8Array): void {
    const single = this.#single;
    this.#single = undefined;
    const needed = this.#used + (single?.length ?? 0) + piece.length;
    if (!this.#gathered) {
      this.#gathered = new Uint8Array(Math.max(LEAST_BYTES, needed));
    } else if (needed > this.#gathered.length) {
      if (this.#gathered.length >= GATHER_BYTES) this.#seal();
      const larger = new Uint8Array(Math.min(GATHER_BYTES, Math.max(LEAST_BYTES, needed * 2)));
      if (this.#gathered) larger.set(this.#gathered);
      this.#gathered = larger;
    }
    for (const part of single ? [single, piece] : [piece]) {
      this.#gathered.set(part, this.#used);
      this.#used += part.length;
    }
  }

  /** Puts what is gathered in line. */
  #seal(): void {
    if (this.#single) this.#pieces.push(this.#single);
    if (this.#gathered) this.#pieces.push(this.#gathered.subarray(0, this.#used));
    this.#single = undefined;
    this.#gathered = undefined;
    this.#used = 0;
  }

  #join(end: number, size: number): Uint8Array {
    const batch = new Uint8Array(size);
    let at = 0;
    for (let index = this.#head; index < end; index++) {
      const piece = this.#pieces[index] as Uint8Array;
      batch.set(piece, at);
      at += piece.length;
    }
    return batch;
  }

  /** Removes the pieces before `end`. The array is moved only when half of it is empty: each piece moves once on average. */
  #drop(end: number): void {
    if (end === this.#pieces.length) {
      this.#pieces = [];
      this.#head = 0;
    } else if (end > SLACK && end * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(end);
      this.#head = 0;
    } else {
      // What was taken must not stay in memory with what waits.
      this.#pieces.fill(EMPTY, this.#head, end);
      this.#head = end;
    }
  }
}

const EMPTY = new Uint8Array(0);
