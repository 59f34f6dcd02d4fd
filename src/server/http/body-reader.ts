/**
 * Readers for request bodies.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import type { BodyReader } from "../platform/body.ts";
import type { Exchange } from "../service/service.ts";

/** Maximum bytes per read into a buffer of this reader. */
const BUFFER_BYTES = 64 * 1024;

/** Results with fewer bytes than this are copied, so that the buffer can be reused. */
const SMALL_BYTES = 1024;

/**
 * Creates a reader for the body of a request.
 *
 * @param refusal The error for a body that a middleware has read, so that nothing or only a part of it is left.
 * @returns Undefined if there is no body.
 * @throws {StreamError} The refusal.
 */
export function openBody({ c, platform }: Exchange, refusal: () => StreamError): BodyReader | undefined {
  const reader = platform.body?.(c);
  if (reader) return reader;
  platform.disableRequestTimeout?.(c);
  const { raw } = c.req;
  if (raw.bodyUsed || raw.body?.locked) throw refusal();
  return raw.body ? bodyReader(raw.body, platform.fillsBuffers) : undefined;
}

/**
 * Creates a reader for a body.
 *
 * @param fillsBuffers Whether the runtime allocates a whole buffer for every read, even for a few bytes. If so, the
 * reader reuses a buffer of its own.
 */
function bodyReader(body: ReadableStream<Uint8Array>, fillsBuffers: boolean | undefined): BodyReader {
  if (fillsBuffers) {
    try {
      return fillingReader(body.getReader({ mode: "byob" }));
    } catch {
      // Middleware has replaced the body by a stream that is not a byte stream.
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
