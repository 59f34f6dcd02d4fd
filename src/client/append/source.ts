/**
 * Whatever can be appended, as a stream.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** One piece of data; strings are sent as UTF-8. */
export type Chunk = Uint8Array | string;

/** What {@link append} takes: bytes or text, at once or piece by piece. Node's Readable is an AsyncIterable. */
export type AppendSource =
  | Chunk
  | Blob
  | ReadableStream<Uint8Array>
  | ReadableStream<string>
  | ReadableStream<Chunk>
  | AsyncIterable<Chunk>
  | Iterable<Chunk>;

/**
 * The source as a stream, read as it is asked for. Cancelling it cancels the source.
 *
 * @throws {StreamError} `bad_request` for what is no source.
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
  return "getReader" in source && "pipeTo" in source;
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
        // Not awaited: a generator that waits for its next piece would only return after it, which may never come.
        void Promise.resolve(iterator.return?.()).catch(() => {});
        // What Node's streams need to stop such a wait.
        if ("destroy" in source && typeof source.destroy === "function") source.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Turns chunks into bytes; a character that is split over two strings comes out whole. */
export class Encoder {
  readonly #encoder = new TextEncoder();
  #half = "";

  /** @throws {StreamError} `bad_request` for what is neither bytes nor text. */
  encode(chunk: Chunk): readonly Uint8Array[] {
    if (typeof chunk === "string") {
      const text = this.#half + chunk;
      const last = text.charCodeAt(text.length - 1);
      const split = last >= 0xd800 && last <= 0xdbff;
      this.#half = split ? text.slice(-1) : "";
      return [this.#encoder.encode(split ? text.slice(0, -1) : text)];
    }
    if (chunk instanceof Uint8Array) return [...this.flush(), chunk];
    throw new StreamError("bad_request", `A chunk must be a string or a Uint8Array, not ${describe(chunk)}.`);
  }

  /** What is left at the end: a lone half of a character, as its replacement. */
  flush(): readonly Uint8Array[] {
    const rest = this.#half;
    this.#half = "";
    return rest === "" ? [] : [this.#encoder.encode(rest)];
  }
}

function describe(value: unknown): string {
  return value === null ? "null" : typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value;
}
