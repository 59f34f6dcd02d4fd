/**
 * Bodies that report a failure to the operator, because the client only sees that bytes are missing.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { Exchange, Service } from "../service/service.ts";
import { bodyAbort, countBytes } from "./count-bytes.ts";

/** Returns the body. If reading it fails, the failure is logged and the body breaks off. */
export function reportFailures(
  { operator }: Service,
  exchange: Exchange,
  body: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  const { path } = exchange.subject;
  const failed = (error: unknown): void => operator.failedIfFault(path, StreamError.from(error, "storage"));
  const how = bodyAbort(exchange);
  const { cut } = how;
  if (!exchange.platform.readsBodies || !cut) {
    return countBytes(
      body,
      (_bytes, error) => {
        if (error !== undefined) failed(error);
      },
      how,
    );
  }
  // Wrapping the body in another stream would cost more than most reads do, and would prevent reads into the reader's
  // own memory.
  const getReader = body.getReader.bind(body) as (options?: ReadableStreamGetReaderOptions) => AnyReader;
  const watched = (options?: ReadableStreamGetReaderOptions): AnyReader => {
    const reader = getReader(options);
    reader.closed.catch((error: unknown) => {
      // `closed` also rejects when a reader releases the stream.
      if (!body.locked) return;
      failed(error);
      void cut();
    });
    return options === undefined ? withoutFailure(reader as ReadableStreamDefaultReader<Uint8Array>) : reader;
  };
  // Middleware that pipes or tees the body does not call `getReader`, and passes a failure on.
  const around = (): ReadableStream<Uint8Array> => countBytes(body, () => {}, how);
  return Object.assign(body, {
    getReader: watched,
    pipeThrough: <T>(into: ReadableWritablePair<T, Uint8Array>, options?: StreamPipeOptions) =>
      around().pipeThrough(into, options),
    tee: () => around().tee(),
  });
}

/**
 * Wraps the reader of a body whose connection is cut when it fails. The server that sends the body does not see the
 * failure, and so writes nothing to the console.
 */
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
