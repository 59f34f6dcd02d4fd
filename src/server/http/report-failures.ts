/**
 * Bodies that report a failure to the reporter, because the client only sees that bytes are missing, and how much of them
 * was read, for the log.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { type WatchedReader, watchReader } from "../service/large-read.ts";
import type { Exchange, Service } from "../service/service.ts";
import { type BodyAbort, bodyAbort, countBytes, type Watch } from "./count-bytes.ts";
import { whenDropped } from "./dropped-body.ts";

/**
 * Returns the body. If reading it fails, the failure is logged and the body breaks off. Its slot among the connections is
 * free when it is over. Its bytes count in the metrics.
 *
 * @param size Bytes of the whole body. One that needs neither a slot nor a line in the log counts as if it were sent whole:
 * the buffers of its socket hold it.
 */
export function reportFailures(
  service: Service,
  exchange: Exchange,
  body: ReadableStream<Uint8Array>,
  size: number,
): ReadableStream<Uint8Array> {
  const { reporter } = service;
  const { result, subject, platform, c } = exchange;
  const ended = (bytes: number, isWhole: boolean, error?: unknown): void => {
    if (isCounted || !isWatched) reporter.traffic.read("http", bytes);
    const failure = error === undefined ? undefined : StreamError.from(error, "storage");
    if (failure) reporter.failedIfFault(subject.path, failure);
    result.end(bytes, failure?.code ?? (isWhole ? "complete" : "gone"));
  };
  const how = bodyAbort(exchange);
  const watch = (stalled: (error: unknown) => void): WatchedReader | undefined =>
    watchReader(service, exchange, stalled);
  const isWatched = platform.readsBodies && how.cut;
  const hasSlot = exchange.slot?.isKept ?? false;
  const isCounted = reporter.hasLog || hasSlot;
  if (isWatched && !isCounted) reporter.traffic.read("http", size);
  const sent = isWatched ? watchedBody(body, isCounted, ended, how, watch) : countBytes(body, ended, how, watch);
  if (reporter.hasLog) result.open();
  if (isCounted) {
    whenDropped(c, sent, () => {
      result.end(0, "gone");
      sent.cancel().catch(() => {});
    });
    // No runtime begins to read the body for a client that has left before. It is not cancelled here: a response cannot be
    // made of a body that was cancelled.
    platform.onGone?.(c, () => {
      if (!sent.locked) result.end(0, "gone");
    });
  }
  return sent;
}

/** Receives how many bytes of a body were read, whether that is all of it, and the error if it has failed. */
type Ended = (bytes: number, isWhole: boolean, error?: unknown) => void;

/**
 * Watches the readers of a body. Wrapping the body in another stream would cost more than most reads do, and would prevent
 * reads into the reader's own memory.
 *
 * @param isCounted Whether `ended` is called for a body that does not fail, too.
 * @param how How to break off a body that has failed.
 * @param watch Begins to watch its readers.
 */
function watchedBody(
  body: ReadableStream<Uint8Array>,
  isCounted: boolean,
  ended: Ended,
  how: BodyAbort,
  watch: Watch,
): ReadableStream<Uint8Array> {
  const getReader = body.getReader.bind(body) as (options?: ReadableStreamGetReaderOptions) => AnyReader;
  let current: AnyReader | undefined;
  const count = new ReadCount(ended, (stalled) =>
    watch((error) => {
      stalled(error);
      // Middleware may not pass on that its client is gone.
      void Promise.resolve()
        .then(() => current?.cancel(error))
        .catch(() => {});
    }),
  );
  const watched = (options?: ReadableStreamGetReaderOptions): AnyReader => {
    const reader = getReader(options);
    current = reader;
    reader.closed.catch((error: unknown) => {
      // `closed` also rejects when a reader releases the stream.
      if (!body.locked) return;
      count.end(false, error);
      void how.cut?.();
    });
    const heard = isCounted ? counted(reader, count) : reader;
    return options === undefined ? withoutFailure(heard as ReadableStreamDefaultReader<Uint8Array>) : heard;
  };
  const cancel = body.cancel.bind(body);
  // Middleware that pipes or tees the body does not call `getReader`, and passes a failure on.
  const around = (): ReadableStream<Uint8Array> => countBytes(body, () => {}, how);
  return Object.assign(body, {
    getReader: watched,
    cancel: (reason?: unknown) => {
      count.end(false);
      return cancel(reason);
    },
    pipeThrough: <T>(into: ReadableWritablePair<T, Uint8Array>, options?: StreamPipeOptions) =>
      around().pipeThrough(into, options),
    tee: () => around().tee(),
  });
}

/** The bytes that were read of a body, over all of its readers. */
class ReadCount {
  readonly #ended: Ended;
  readonly #watched: WatchedReader | undefined;
  #bytes = 0;
  #isOver = false;

  constructor(ended: Ended, watch: Watch) {
    this.#ended = ended;
    this.#watched = watch((error) => this.end(false, error));
  }

  /** Reads the next piece. */
  async read<Result extends ReadableStreamReadResult<Uint8Array>>(next: () => Promise<Result>): Promise<Result> {
    this.#watched?.asks();
    try {
      return this.#took(await next());
    } finally {
      this.#watched?.gets();
    }
  }

  #took<Result extends ReadableStreamReadResult<Uint8Array>>(result: Result): Result {
    if (result.done) this.end(true);
    else this.#bytes += result.value.length;
    return result;
  }

  /** Only the first call counts: a read that is cancelled ends as if the body had. */
  end(isWhole: boolean, error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended(this.#bytes, isWhole, error);
    this.#watched?.over(isWhole);
  }
}

/** Wraps a reader of either kind, so that what it reads is counted. */
function counted(reader: AnyReader, count: ReadCount): AnyReader {
  // A default reader ignores the memory to read into.
  const { read } = reader as { read(view?: ArrayBufferView): Promise<ReadableStreamReadResult<Uint8Array>> };
  return {
    closed: reader.closed,
    read: (view?: ArrayBufferView) => count.read(() => read.call(reader, view)),
    cancel: (reason: unknown) => {
      count.end(false);
      return reader.cancel(reason);
    },
    releaseLock: () => reader.releaseLock(),
  } as AnyReader;
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
