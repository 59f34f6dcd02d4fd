/**
 * Reading a request body.
 * @module
 */

/** Bytes that one read takes at most, where we bring the memory. */
const BUFFER_BYTES = 64 * 1024;

/** Less than this, in bytes, is copied out, so that the memory can be used again. */
const SMALL_BYTES = 1024;

/** Reads a body piece by piece. */
export interface BodyReader {
  /** The next piece; it is the caller's. Nothing at the end. */
  read(): Promise<Uint8Array | undefined>;
  cancel(reason?: unknown): Promise<void>;
  releaseLock(): void;
}

/**
 * A reader for a body.
 *
 * @param fills Whether the runtime allocates a whole buffer for every read, however little comes; then one of ours is
 * used again and again.
 */
export function bodyReader(body: ReadableStream<Uint8Array>, fills: boolean | undefined): BodyReader {
  if (fills) {
    try {
      return fillingReader(body.getReader({ mode: "byob" }));
    } catch {
      // Middleware has put another stream in its place.
    }
  }
  const reader = body.getReader();
  return {
    read: async () => (await reader.read()).value,
    cancel: (reason) => reader.cancel(reason),
    releaseLock: () => reader.releaseLock(),
  };
}

function fillingReader(reader: ReadableStreamBYOBReader): BodyReader {
  let memory = new ArrayBuffer(BUFFER_BYTES);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(memory));
      if (done || !value) return undefined;
      const isSmall = value.length < SMALL_BYTES;
      memory = isSmall ? value.buffer : new ArrayBuffer(BUFFER_BYTES);
      return isSmall ? value.slice() : value;
    },
    cancel: (reason) => reader.cancel(reason),
    releaseLock: () => reader.releaseLock(),
  };
}
