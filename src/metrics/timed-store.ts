/**
 * Stores whose operations are timed.
 * @module
 */
import type { AppendHandle, Store } from "../engine/storage/store.ts";

/** The operations that are timed. */
export type Operation = "claim" | "append" | "read" | "stat";

/** Receives the time that an operation took, also if it has failed. */
export type Observe = (operation: Operation, seconds: number) => void;

/**
 * Times the operations of a store: a claim, an append of one batch, a read up to its first bytes, a stat.
 *
 * @param store Is changed, so it must belong to the caller alone.
 * @returns The same store.
 */
export function timedStore(store: Store, observe: Observe): Store {
  const timed = async <T>(operation: Operation, work: () => Promise<T>): Promise<T> => {
    const startedMs = performance.now();
    try {
      return await work();
    } finally {
      observe(operation, (performance.now() - startedMs) / 1000);
    }
  };
  const { claim, read, stat } = store;
  const timedHandle = (handle: AppendHandle): AppendHandle => {
    const { append } = handle;
    return Object.assign(handle, {
      append: (...batch: Parameters<AppendHandle["append"]>) => timed("append", () => append.apply(handle, batch)),
    });
  };
  return Object.assign(store, {
    stat: (...looked: Parameters<Store["stat"]>) => timed("stat", () => stat.apply(store, looked)),
    claim: async (...claimed: Parameters<Store["claim"]>) =>
      timedHandle(await timed("claim", () => claim.apply(store, claimed))),
    read: (...range: Parameters<Store["read"]>) =>
      timedFirst(read.apply(store, range), (first) => timed("read", first)),
  });
}

type Timing = <T>(work: () => Promise<T>) => Promise<T>;

/** Times the first read of a stream. It stays a byte stream, which can be read into the reader's own memory. */
function timedFirst(stream: ReadableStream<Uint8Array>, timed: Timing): ReadableStream<Uint8Array> {
  const getReader = stream.getReader.bind(stream) as (options?: ReadableStreamGetReaderOptions) => AnyReader;
  let isFirst = true;
  return Object.assign(stream, {
    getReader: (options?: ReadableStreamGetReaderOptions): AnyReader => {
      const reader = getReader(options);
      if (!isFirst) return reader;
      isFirst = false;
      const read = reader.read.bind(reader) as (...into: unknown[]) => Promise<unknown>;
      return Object.assign(reader, {
        read: (...into: unknown[]) => {
          // From the next one on, the reader's own method is called.
          Reflect.deleteProperty(reader, "read");
          return timed(() => read(...into));
        },
      });
    },
  });
}

type AnyReader = ReadableStreamDefaultReader<Uint8Array> | ReadableStreamBYOBReader;
