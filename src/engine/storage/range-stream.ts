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

  let onAbort = (): void => {};
  const release = async (): Promise<void> => {
    over = true;
    // The signal may live as long as the program.
    signal?.removeEventListener("abort", onAbort);
    // A pending read still uses the source, and releases it afterwards.
    if (!reading) await source.close?.();
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
      const count = await source.read(new Uint8Array(buffer, byteOffset, Math.min(byteLength, to - at)), at);
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

  return new ReadableStream({
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
}
