/**
 * Converts any source of an append to a stream.
 * @module
 */
import { StreamError } from "./errors.ts";

/** A chunk of data; strings are encoded as UTF-8. */
export type Chunk = Uint8Array | string;

/**
 * The sources that `append()` accepts: bytes or text, at once or in chunks. Node's Readable is an AsyncIterable.
 */
export type AppendSource =
  | Chunk
  | Blob
  | ReadableStream<Uint8Array>
  | ReadableStream<string>
  | ReadableStream<Chunk>
  | AsyncIterable<Chunk>
  | Iterable<Chunk>;

/**
 * Returns the source as a stream without read-ahead. Cancelling the stream cancels the source.
 *
 * @throws {StreamError} `bad_request` for an invalid source.
 * @example
 * ```ts
 * await streamOf(["hello\n"]).getReader().read(); // { done: false, value: "hello\n" }
 * ```
 */
export function streamOf(source: AppendSource): ReadableStream<Chunk> {
  if (typeof source === "string" || source instanceof Uint8Array) return fromIterable([source]);
  if (typeof source === "object" && source !== null) {
    if (source instanceof Blob) return source.stream();
    if (isStream(source)) return source;
    if (isIterable(source)) return fromIterable(source);
  }
  throw new StreamError("bad_request", "The source must be a stream, an iterable, a Blob, a string or a Uint8Array.");
}

function isStream(source: object): source is ReadableStream<Chunk> {
  const { getReader, pipeTo } = source as Partial<ReadableStream>;
  return typeof getReader === "function" && typeof pipeTo === "function";
}

/**
 * Moves all chunks of a stream into an append. If that fails, the stream is cancelled, and not waited for: a source may never
 * finish being cancelled.
 *
 * @param options `preventAbort`: leave the append open if the stream fails.
 * @throws what the stream or the append has failed with.
 * @example
 * ```ts
 * await pour(streamOf(["hello\n"]), await openAppend("http://localhost:8080/a.txt"));
 * ```
 */
export async function pour(
  chunks: ReadableStream<Chunk>,
  append: WritableStream<Chunk>,
  options: Pick<StreamPipeOptions, "preventAbort"> = {},
): Promise<void> {
  try {
    await chunks.pipeTo(append, { ...options, preventCancel: true });
  } catch (error) {
    abandon(chunks, error);
    throw error;
  }
}

/**
 * Cancels a stream, and does not wait for it.
 *
 * @example
 * ```ts
 * abandon(streamOf(["hello\n"]), new Error("not needed"));
 * ```
 */
export function abandon(chunks: ReadableStream<Chunk>, reason: unknown): void {
  // The stream may be an object of the program, whose method throws.
  void (async () => chunks.cancel(reason))().catch(() => {});
}

function isIterable(source: object): source is AsyncIterable<Chunk> | Iterable<Chunk> {
  return Symbol.asyncIterator in source || Symbol.iterator in source;
}

function fromIterable(source: AsyncIterable<Chunk> | Iterable<Chunk>): ReadableStream<Chunk> {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  return new ReadableStream<Chunk>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel() {
        // Not awaited: a generator returns only after its pending read, which may never finish.
        void Promise.resolve(iterator.return?.()).catch(() => {});
        // Destroys a Node stream, which ends such a pending read.
        if ("destroy" in source && typeof source.destroy === "function") source.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Encodes chunks as bytes. A character that is split across two strings is encoded whole.
 *
 * @example
 * ```ts
 * new Encoder().encode("hi"); // [Uint8Array [104, 105]]
 * ```
 */
export class Encoder {
  readonly #encoder = new TextEncoder();
  #surrogate = "";

  /**
   * Encodes one chunk.
   *
   * @throws {StreamError} `bad_request` for a chunk that is neither bytes nor text.
   */
  encode(chunk: Chunk): readonly Uint8Array[] {
    if (typeof chunk === "string") {
      const text = this.#surrogate + chunk;
      const last = text.charCodeAt(text.length - 1);
      const split = last >= 0xd800 && last <= 0xdbff;
      this.#surrogate = split ? text.slice(-1) : "";
      return [this.#encoder.encode(split ? text.slice(0, -1) : text)];
    }
    if (isBytes(chunk)) return [...this.flush(), chunk];
    throw new StreamError("bad_request", `A chunk must be a string or a Uint8Array, not ${describe(chunk)}.`);
  }

  /** Returns the remaining bytes at the end: the replacement character for an unpaired surrogate. */
  flush(): readonly Uint8Array[] {
    const rest = this.#surrogate;
    this.#surrogate = "";
    return rest === "" ? [] : [this.#encoder.encode(rest)];
  }
}

const trueLength = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "length")?.get;

/** Whether a chunk is an array of bytes, and as long as it says. Of a class that says otherwise, bytes would get lost. */
function isBytes(chunk: unknown): chunk is Uint8Array {
  try {
    return chunk instanceof Uint8Array && trueLength?.call(chunk) === chunk.length;
  } catch {
    return false;
  }
}

function describe(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value;
}
