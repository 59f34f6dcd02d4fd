/**
 * Reading any stream of bytes into memory of one's own. A byte stream fills it itself; a store may also return an ordinary
 * stream, whose chunks have any size, and are copied.
 * @module
 */

/** Reads into memory that the caller brings, and gets back with the result. */
export interface ByteReader {
  /**
   * The next bytes, at least one, in the memory of `view`; nothing at the end. Rejects as the stream does.
   *
   * @param view Where to put them. Its memory is the reader's until this resolves.
   */
  read(view: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Ends the stream; a read that waits gets nothing. */
  cancel(): Promise<void>;
}

/**
 * A reader for a stream of either kind. The stream is locked to it.
 *
 * @example
 * ```ts
 * const reader = byteReader(new Blob(["hello"]).stream());
 * (await reader.read(new Uint8Array(3)))?.length; // 3
 * ```
 */
export function byteReader(stream: ReadableStream<Uint8Array>): ByteReader {
  return bringYourOwn(stream) ?? new CopyingReader(stream);
}

/** The reader of a byte stream; nothing for any other. */
export function bringYourOwn(stream: ReadableStream<Uint8Array>): ByteReader | undefined {
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
    // That it is no byte stream is told by this alone.
    return undefined;
  }
}

/** Copies the chunks of an ordinary stream. */
class CopyingReader implements ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What is left of the last chunk. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  async read(view: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      if (!(value instanceof Uint8Array)) throw new TypeError("The store's stream has a chunk that is no Uint8Array.");
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
