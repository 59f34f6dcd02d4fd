/**
 * Reads any stream of bytes into the caller's memory: a byte stream fills it directly; from an ordinary stream, which a
 * store may also return, the chunks are copied.
 * @module
 */

/** Reads into memory that the caller provides and gets back with the result. */
export interface ByteReader {
  /**
   * Reads the next bytes, at least one, into `view`; resolves to undefined at the end. Rejects if the stream errors.
   *
   * @param view Where to put the bytes. The reader owns its memory until this resolves.
   */
  read(view: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Cancels the stream; a pending read resolves to undefined. */
  cancel(): Promise<void>;
}

/**
 * Creates a reader for a stream of either kind, and locks the stream.
 *
 * @example
 * ```ts
 * const reader = byteReader(new Blob(["hello"]).stream());
 * (await reader.read(new Uint8Array(3)))?.length; // 3
 * ```
 */
export function byteReader(stream: ReadableStream<Uint8Array>): ByteReader {
  return byobReader(stream) ?? new CopyingReader(stream);
}

/** Creates a reader for a byte stream; undefined for any other stream. */
export function byobReader(stream: ReadableStream<Uint8Array>): ByteReader | undefined {
  try {
    const reader = stream.getReader({ mode: "byob" });
    return {
      read: async (view) => {
        const { done, value } = await reader.read(view);
        return done ? undefined : value;
      },
      cancel: () => reader.cancel(),
    };
  } catch {
    // A stream can't be asked for its kind. `getReader` throws if it is not a byte stream.
    return undefined;
  }
}

/** Copies the chunks of an ordinary stream. */
class CopyingReader implements ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** The rest of the last chunk. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  async read(view: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      if (!(value instanceof Uint8Array))
        throw new TypeError("The store's stream has a chunk that is not a Uint8Array.");
      this.#rest = value;
    }
    const bytes = this.#rest.subarray(0, view.length);
    this.#rest = this.#rest.subarray(bytes.length);
    view.set(bytes);
    return view.subarray(0, bytes.length);
  }

  async cancel(): Promise<void> {
    this.#rest = new Uint8Array(0);
    await this.#reader.cancel();
  }
}
