/**
 * Reading large ranges: pieces that grow, in memory that is used again and again. Fresh memory for each piece is most of
 * what a large read costs.
 * @module
 */
import { type ByteReader, byteReader } from "./byte-reader.ts";

/** Bytes of the first piece. */
const LEAST_BYTES = 64 * 1024;

/** Bytes that the memory of a piece has in front of it: more than enough for a prefix, and the piece itself stays aligned. */
const ROOM_BYTES = 64;

/**
 * Reads a stream piece by piece. Pieces begin at 64 KiB and double up to a limit, so that a reader whose client
 * takes nothing holds little.
 *
 * @example
 * ```ts
 * const pieces = new PieceReader(stream, 1024 * 1024);
 * for (let piece = await pieces.read(); piece; piece = await pieces.read()) {
 *   await write(piece);
 *   pieces.reuse(piece);
 * }
 * ```
 */
export class PieceReader {
  readonly #reader: ByteReader;
  readonly #mostBytes: number;
  #size: number;
  readonly #free: ArrayBuffer[] = [];

  /**
   * @param source The stream, or its reader. It is the piece reader's from now on.
   * @param mostBytes Bytes of the largest piece, at least 1.
   */
  constructor(source: ReadableStream<Uint8Array> | ByteReader, mostBytes: number) {
    this.#reader = "getReader" in source ? byteReader(source) : source;
    this.#mostBytes = mostBytes;
    this.#size = Math.min(LEAST_BYTES, mostBytes);
  }

  /** The next piece; nothing at the end. Rejects as the stream does. */
  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    let memory = this.#free.pop();
    const wanted = ROOM_BYTES + this.#size;
    if (!memory || memory.byteLength < wanted) memory = new ArrayBuffer(wanted);
    this.#size = Math.min(this.#mostBytes, this.#size * 2);
    return await this.#reader.read(new Uint8Array(memory, ROOM_BYTES));
  }

  /** A piece with a few bytes, 64 at most, in front of it: nothing but these is copied. Before it is given back. */
  prefixed(piece: Uint8Array<ArrayBuffer>, prefix: Uint8Array): Uint8Array<ArrayBuffer> {
    const start = piece.byteOffset - prefix.length;
    const whole = new Uint8Array(piece.buffer, start, prefix.length + piece.length);
    whole.set(prefix);
    return whole;
  }

  /** Takes the memory of a piece back, for one of the next ones: nobody looks at it any more. */
  reuse(piece: Uint8Array<ArrayBuffer>): void {
    this.#free.push(piece.buffer);
  }

  /** Ends the stream; whoever waits for a piece gets none. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}
