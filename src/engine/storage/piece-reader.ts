/**
 * Reads large ranges in growing pieces whose memory is reused: fresh memory for each piece is most of the cost of a
 * large read.
 * @module
 */
import { type ByteReader, byteReader } from "./byte-reader.ts";

/** Bytes of the first piece. */
const MIN_BYTES = 64 * 1024;

/** Bytes of memory in front of each piece: more than enough for a prefix, and the piece stays aligned. */
const ROOM_BYTES = 64;

/**
 * Reads a stream piece by piece. Pieces begin at 64 KiB and double up to a limit, so that a reader whose client takes
 * nothing holds little memory.
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
  readonly #maxBytes: number;
  #size: number;
  readonly #free: ArrayBuffer[] = [];

  /**
   * @param source The stream, or its reader. The piece reader owns it from now on.
   * @param maxBytes Bytes of the largest piece, at least 1.
   */
  constructor(source: ReadableStream<Uint8Array> | ByteReader, maxBytes: number) {
    this.#reader = "getReader" in source ? byteReader(source) : source;
    this.#maxBytes = maxBytes;
    this.#size = Math.min(MIN_BYTES, maxBytes);
  }

  /** Reads the next piece; resolves to undefined at the end. Rejects if the stream errors. */
  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    let memory = this.#free.pop();
    const wanted = ROOM_BYTES + this.#size;
    if (!memory || memory.byteLength < wanted) memory = new ArrayBuffer(wanted);
    this.#size = Math.min(this.#maxBytes, this.#size * 2);
    return await this.#reader.read(new Uint8Array(memory, ROOM_BYTES));
  }

  /** Prepends up to 64 bytes to a piece without copying the piece. Call it before {@link reuse}. */
  prefixed(piece: Uint8Array<ArrayBuffer>, prefix: Uint8Array): Uint8Array<ArrayBuffer> {
    const start = piece.byteOffset - prefix.length;
    const whole = new Uint8Array(piece.buffer, start, prefix.length + piece.length);
    whole.set(prefix);
    return whole;
  }

  /** Reuses the memory of a piece for a later one. The caller must not use the piece any more. */
  reuse(piece: Uint8Array<ArrayBuffer>): void {
    this.#free.push(piece.buffer);
  }

  /** Cancels the stream; a pending read resolves to undefined. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}
