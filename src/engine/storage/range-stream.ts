/**
 * A range of bytes as a readable byte stream. A reader with its own memory (`getReader({ mode: "byob" })`) can reuse
 * it: fresh memory is most of the cost of reading.
 * @module
 */

/** Which bytes to read, and how. */
export interface RangeSource {
  /** Offset of the first byte. */
  readonly from: number;
  /** Offset just past the last byte. */
  readonly to: number;
  /** Bytes of the largest piece, if the reader does not provide the memory. */
  readonly pieceBytes: number;
  /** Ends the stream early, as if it had no more bytes. */
  readonly signal?: AbortSignal | undefined;
  /** Reads bytes from offset `at` on into the beginning of `into`; returns their number, at least one. */
  read(into: Uint8Array, at: number): Promise<number> | number;
  /** Releases what reading has opened. Called once, when the stream has ended, failed or been cancelled. */
  close?(): Promise<void> | void;
}

/** Maximum bytes of the piece that is read in advance. */
const FIRST_BYTES = 64 * 1024;

/** Reads the first piece of a stream in advance. */
const openers = new WeakMap<ReadableStream<Uint8Array>, () => Promise<void>>();

/**
 * The bytes of a range, read piece by piece on demand.
 *
 * @example
 * ```ts
 * const bytes = new TextEncoder().encode("hello");
 * const read = (into: Uint8Array, at: number) => {
 *   const piece = bytes.subarray(at, at + into.length);
 *   into.set(piece);
 *   return piece.length;
 * };
 * await new Response(rangeStream({ from: 1, to: 4, pieceBytes: 2, read })).text(); // "ell"
 * ```
 */
export function rangeStream(source: RangeSource): ReadableStream<Uint8Array> {
  const { from, to, pieceBytes, signal } = source;
  let at = from;
  let reading = false;
  let serving = false;
  /** Set when no more bytes are wanted: at the end, after a failure, or when cancelled. */
  let over = false;
  /** The piece that was read in advance and is not served yet. */
  let first: Uint8Array | undefined;
  let isClosed = false;

  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await source.close?.();
  };

  let onAbort = (): void => {};
  const release = async (): Promise<void> => {
    over = true;
    // The signal may live as long as the program.
    signal?.removeEventListener("abort", onAbort);
    // A pending read still uses the source, and releases it afterwards.
    if (!reading) await close();
  };

  const open = async (): Promise<void> => {
    if (from === to || signal?.aborted) return;
    const piece = new Uint8Array(Math.min(FIRST_BYTES, pieceBytes, to - from));
    reading = true;
    try {
      first = piece.subarray(0, await source.read(piece, from));
      if (first.length === to - from) await close();
    } catch (error) {
      over = true;
      signal?.removeEventListener("abort", onAbort);
      await close();
      throw error;
    } finally {
      reading = false;
      if (over || signal?.aborted) await close();
    }
  };

  const readInto = (into: Uint8Array): Promise<number> | number => {
    if (!first) return source.read(into, at);
    const served = first.subarray(0, into.length);
    into.set(served);
    first = served.length < first.length ? first.subarray(served.length) : undefined;
    return served.length;
  };

  const finish = async (controller: ReadableByteStreamController): Promise<void> => {
    controller.close();
    // A pending BYOB read resolves only when it gets 0 bytes.
    (controller.byobRequest as ReadableStreamBYOBRequest | null)?.respond(0);
    await release();
  };

  const fill = async (request: ReadableStreamBYOBRequest): Promise<void> => {
    const { buffer, byteOffset, byteLength } = request.view as Uint8Array;
    reading = true;
    try {
      const count = await readInto(new Uint8Array(buffer, byteOffset, Math.min(byteLength, to - at)));
      at += count;
      if (!over) request.respond(count);
    } finally {
      reading = false;
      if (over) await release();
    }
  };

  const serve = async (controller: ReadableByteStreamController): Promise<void> => {
    serving = true;
    try {
      for (let request = controller.byobRequest; request && !over; request = controller.byobRequest) {
        if (at < to && !signal?.aborted) await fill(request);
        if (!over && (at >= to || signal?.aborted)) await finish(controller);
      }
    } catch (error) {
      controller.error(error);
      if (!over) await release();
    }
    serving = false;
  };

  const stream: ReadableStream<Uint8Array> = new ReadableStream({
    type: "bytes",
    // Memory is allocated per read: a stream that is never read holds no memory.
    autoAllocateChunkSize: Math.max(1, Math.min(pieceBytes, to - from)),
    start(controller) {
      onAbort = (): void => {
        if (!reading && !over) void finish(controller);
      };
      signal?.addEventListener("abort", onAbort);
    },
    pull(controller) {
      // Not awaited: the stream would pull the next piece only some turns after this one has arrived, and the consumer
      // would write this piece before the next read begins, instead of at the same time.
      if (!serving) void serve(controller);
    },
    cancel: release,
  });
  openers.set(stream, open);
  return stream;
}

/**
 * Reads the first piece of a stream that nothing has read yet. A failure to read then comes before a response has
 * begun. Later, a client could only see a connection that breaks off, and on some runtimes an empty body.
 *
 * Rejects with the error of the stream.
 *
 * @returns The stream, or one of all its bytes.
 * @example
 * ```ts
 * const stream = await openedStream(new Blob(["hello"]).stream());
 * await new Response(stream).text(); // "hello"
 * ```
 */
export async function openedStream(stream: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const open = openers.get(stream);
  if (!open) return withFirst(stream);
  await open();
  return stream;
}

/** The bytes of a stream that {@link rangeStream} has not made, such as that of a custom store. */
async function withFirst(stream: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const reader = stream.getReader();
  let next: ReadableStreamReadResult<Uint8Array> | undefined = await reader.read();
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
