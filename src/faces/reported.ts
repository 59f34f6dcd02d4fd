/**
 * Bodies whose failure the operator hears of: their client only sees that bytes are missing.
 * @module
 */
import { StreamError } from "../core/errors.ts";
import { counted } from "./counted.ts";
import type { Exchange, Service } from "./service.ts";

/** The body; when reading it fails in the middle, that is logged. */
export function reported(
  { operator }: Service,
  { c, platform, subject: { path } }: Exchange,
  body: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  const failed = (error: unknown): void => operator.failedIfFault(path, StreamError.from(error, "storage"));
  if (!platform.readsBodies) {
    return counted(body, (_bytes, error) => {
      if (error !== undefined) failed(error);
    });
  }
  // A stream around this one would cost more than most reads do, and could not be read into the reader's own memory.
  const getReader = body.getReader.bind(body) as (options?: ReadableStreamGetReaderOptions) => AnyReader;
  const watched = (options?: ReadableStreamGetReaderOptions): AnyReader => {
    const reader = getReader(options);
    reader.closed.catch((error: unknown) => {
      // A reader that lets the stream go rejects as well.
      if (!body.locked) return;
      failed(error);
      void platform.cut?.(c);
    });
    return reader;
  };
  return Object.assign(body, { getReader: watched });
}

type AnyReader = ReadableStreamReader<Uint8Array>;
