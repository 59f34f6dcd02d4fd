/**
 * A range of bytes as a readable byte stream. Who reads it with memory of its own (`getReader({ mode: "byob" })`) can use
 * that memory again and again; fresh memory is what reading costs most.
 * @module
 */

/** Which bytes, and how they are come by. */
export interface RangeSource {
  /** First byte. */
  readonly from: number;
  /** Just past the last byte. */
  readonly to: number;
  /** Most bytes in a piece, where the reader brings no memory. */
  readonly pieceBytes: number;
  /** Ends the stream early, as if it had no more bytes. */
  readonly signal?: AbortSignal | undefined;
  /** Puts bytes from `at` on into `into`, at its beginning, and says how many: at least one. */
  read(into: Uint8Array, at: number): Promise<number> | number;
  /** Gives back what reading took. Called once, when the stream has ended, failed or been cancelled. */
  close?(): Promise<void> | void;
}

/**
 * The bytes of a range, piece by piece as they are asked for; nothing is read before.
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
  /** Set when nobody wants more: at the end, after a failure, when cancelled. */
  let over = false;

  const release = async (): Promise<void> => {
    over = true;
    // What is being read still uses it; the read releases it afterwards.
    if (!reading) await source.close?.();
  };

  const finish = async (controller: ReadableByteStreamController): Promise<void> => {
    controller.close();
    // Somebody may be waiting for more already, and only this tells that there is none.
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
      for (let asked = controller.byobRequest; asked && !over; asked = controller.byobRequest) {
        if (at < to && !signal?.aborted) await fill(asked);
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
    // Nothing is read before somebody asks: a stream that is never read holds nothing.
    autoAllocateChunkSize: Math.max(1, Math.min(pieceBytes, to - from)),
    start(controller) {
      const abort = (): void => {
        if (!reading && !over) void finish(controller);
      };
      signal?.addEventListener("abort", abort, { once: true });
    },
    pull(controller) {
      // Not waited for: the stream would ask for the next piece only some turns after this one is there, and whoever has
      // taken it would write it first, instead of having the next one read meanwhile.
      if (!serving) void serve(controller);
    },
    cancel: release,
  });
}
