/**
 * Streams that are read in advance, the small ones whole. What can't be read then fails before a response has begun. Later,
 * a client could only see a connection that breaks off, and on some runtimes an empty body.
 * @module
 */
import { concat } from "../../support/concat.ts";
import { rangeStream } from "./range-stream.ts";

/** Bytes of the largest stream that is read whole. */
const WHOLE_BYTES = 64 * 1024;

/**
 * Reads a stream in advance: all of it, if it is small, or its first piece. Returns a stream of all its bytes.
 *
 * Rejects with the error of the stream.
 *
 * @param size Bytes of the stream.
 * @example
 * ```ts
 * const stream = await openedStream(new Blob(["hello"]).stream(), 5);
 * await new Response(stream).text(); // "hello"
 * ```
 */
export async function openedStream(
  stream: ReadableStream<Uint8Array>,
  size: number,
): Promise<ReadableStream<Uint8Array>> {
  const reader = stream.getReader();
  return size <= WHOLE_BYTES ? await wholeStream(reader) : withFirst(reader, await reader.read());
}

async function wholeStream(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    pieces.push(next.value);
    length += next.value.length;
  }
  const bytes = concat(pieces, length);
  return rangeStream({
    ...{ from: 0, to: length, pieceBytes: WHOLE_BYTES },
    read(into, at) {
      const piece = bytes.subarray(at, at + into.length);
      into.set(piece);
      return piece.length;
    },
  });
}

function withFirst(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: ReadableStreamReadResult<Uint8Array>,
): ReadableStream<Uint8Array> {
  let next: ReadableStreamReadResult<Uint8Array> | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = next ?? (await reader.read());
        next = undefined;
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
