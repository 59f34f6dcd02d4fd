/**
 * Bodies whose failure the operator hears of: their client only sees that bytes are missing.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { Exchange, Service } from "../service/service.ts";
import { breaking, counted } from "./counted.ts";

/** The body; when reading it fails in the middle, that is logged, and it breaks off. */
export function reported(
  { operator }: Service,
  exchange: Exchange,
  body: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  const { path } = exchange.subject;
  const failed = (error: unknown): void => operator.failedIfFault(path, StreamError.from(error, "storage"));
  const how = breaking(exchange);
  const { cut } = how;
  if (!exchange.platform.readsBodies || !cut) {
    return counted(
      body,
      (_bytes, error) => {
        if (error !== undefined) failed(error);
      },
      how,
    );
  }
  // A stream around this one would cost more than most reads do, and could not be read into the reader's own memory.
  const getReader = body.getReader.bind(body) as (options?: ReadableStreamGetReaderOptions) => AnyReader;
  const watched = (options?: ReadableStreamGetReaderOptions): AnyReader => {
    const reader = getReader(options);
    reader.closed.catch((error: unknown) => {
      // A reader that lets the stream go rejects as well.
      if (!body.locked) return;
      failed(error);
      void cut();
    });
    return options === undefined ? withoutFailure(reader as ReadableStreamDefaultReader<Uint8Array>) : reader;
  };
  // Middleware reads it in other ways, which do not ask for a reader, and hand on how it failed.
  const around = (): ReadableStream<Uint8Array> => counted(body, () => {}, how);
  return Object.assign(body, {
    getReader: watched,
    pipeThrough: <T>(into: ReadableWritablePair<T, Uint8Array>, options?: StreamPipeOptions) =>
      around().pipeThrough(into, options),
    tee: () => around().tee(),
  });
}

/** A reader of a body that is cut when it fails. Whoever sends it does not hear of that, and writes nothing to the console. */
function withoutFailure(reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStreamDefaultReader<Uint8Array> {
  const never = (): Promise<never> => new Promise(() => {});
  return {
    closed: reader.closed.catch(never),
    read: () => reader.read().catch(never),
    cancel: (reason) => reader.cancel(reason),
    releaseLock: () => reader.releaseLock(),
  };
}

type AnyReader = ReadableStreamReader<Uint8Array>;
