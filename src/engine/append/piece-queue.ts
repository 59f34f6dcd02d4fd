/**
 * A queue of byte pieces that are taken in batches; work and memory grow with the bytes, not with the number of pieces.
 * @module
 */

/** Pieces below this size, in bytes, are copied together: a separate array costs more memory than its content. */
const SMALL_BYTES = 64;

/** Bytes of the largest buffer for small pieces. */
const GATHER_BYTES = 64 * 1024;

/** Bytes of the smallest buffer for small pieces. */
const MIN_BYTES = 256;

/**
 * A first-in, first-out queue: takes pieces, returns batches.
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
  /** The index of the first piece. */
  #head = 0;
  /** The newest piece, while it is the only small one since the last large one. */
  #single: Uint8Array | undefined;
  /** The buffer for small pieces, and how many of its bytes are used. */
  #gathered: Uint8Array | undefined;
  #used = 0;
  #bytes = 0;

  /** Bytes in the queue. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Queues `piece`, if possible without copying; the caller must not modify it. */
  push(piece: Uint8Array): void {
    const { length } = piece;
    if (length === 0) return;
    this.#bytes += length;
    if (length >= SMALL_BYTES) {
      this.#seal();
      this.#pieces.push(piece);
    } else if (this.#gathered) {
      this.#gather(piece, this.#gathered);
    } else if (this.#single) {
      const buffer = new Uint8Array(MIN_BYTES);
      this.#gather(this.#single, buffer);
      this.#gather(piece, buffer);
      this.#single = undefined;
    } else {
      this.#single = piece;
    }
  }

  /** Removes and returns the next batch of at most `maxBytes`: as many whole pieces as fit, or a part of one that does not fit. */
  take(maxBytes: number): Uint8Array {
    this.#seal();
    const first = this.#pieces[this.#head];
    if (!first) return new Uint8Array(0);
    if (first.length > maxBytes) {
      this.#pieces[this.#head] = first.subarray(maxBytes);
      this.#bytes -= maxBytes;
      return first.subarray(0, maxBytes);
    }
    let end = this.#head;
    let size = 0;
    for (let piece = this.#pieces[end]; piece && size + piece.length <= maxBytes; piece = this.#pieces[++end]) {
      size += piece.length;
    }
    const batch = end === this.#head + 1 ? first : this.#join(end, size);
    this.#drop(end);
    this.#bytes -= size;
    return batch;
  }

  /** Removes everything. */
  clear(): void {
    this.#pieces = [];
    this.#head = 0;
    this.#single = undefined;
    this.#gathered = undefined;
    this.#used = 0;
    this.#bytes = 0;
  }

  /** Copies a small piece into the buffer, which doubles until it has its maximum size; then a new one begins. */
  #gather(piece: Uint8Array, buffer: Uint8Array): void {
    let room = buffer;
    if (this.#used + piece.length > buffer.length) {
      if (buffer.length === GATHER_BYTES) this.#seal();
      room = new Uint8Array(Math.min(GATHER_BYTES, buffer.length * 2));
      room.set(buffer.subarray(0, this.#used));
    }
    room.set(piece, this.#used);
    this.#used += piece.length;
    this.#gathered = room;
  }

  /** Moves the small pieces to the end of the queue. */
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

  /** Removes the pieces before `end`. Copies the array only when half of it is empty: once per piece on average. */
  #drop(end: number): void {
    if (end * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(end);
      this.#head = 0;
    } else {
      // Drop the references: taken pieces must not stay in memory.
      this.#pieces.fill(EMPTY, this.#head, end);
      this.#head = end;
    }
  }
}

const EMPTY = new Uint8Array(0);
