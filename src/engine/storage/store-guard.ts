/**
 * Holds a custom store to its contract.
 *
 * A third-party store may fail in any way: with errors of its database, whose messages must not reach clients; with
 * chunks that are not bytes, or more bytes than requested; without members that later versions of the contract added.
 * The guard turns these failures into errors that the server knows, and fills in defaults.
 * @module
 */
import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import { checkListOptions } from "./list-options.ts";
import type { AppendHandle, SessionRecords, Store, StoreStat } from "./store.ts";
import type { StreamRecords, StreamState } from "./stream-state.ts";
import type { SubscriptionRecord, SubscriptionRecords } from "./subscription-record.ts";
import { withRetryAfter } from "./unavailable.ts";

/**
 * Wraps a store so that its errors are {@link StreamError}s. An error of any other type becomes the cause of a
 * `storage` error, for the log; clients learn only that the store failed.
 *
 * @example
 * ```ts
 * const store = guardedStore(databaseStore(connection));
 * ```
 */
export function guardedStore(store: Store): Store {
  const guarded: Store = {
    isPrivate: store.isPrivate === true,
    // A driver may know these only once it is open.
    get maxStaleMs() {
      return store.maxStaleMs;
    },
    get maxBatchBytes() {
      return store.maxBatchBytes;
    },
    get maxWholeBatchBytes() {
      return store.maxWholeBatchBytes;
    },
    sessions: guardedSessions(store.sessions),
    stat: (path) => failing(path, async () => checkedStat(path, await store.stat(path))),
    claim: (path, options) => failing(path, async () => guardedHandle(path, await store.claim(path, options))),
    read: (...range) => guardedRead(store, range),
    list: (folder, options) =>
      failing(folder, async () => {
        if (options) checkListOptions(folder, options);
        const rows = await store.list(folder, options);
        return rows && guardedEach(folder, rows);
      }),
    remove: (path, check) => failing(path, async () => store.remove(path, check)),
  };
  const { open, close, health, counts, barrier, tidy, requestHandover, watch, notices } = store;
  const { appendedBelow, freeBytes, usedBytes, streams, subscriptions } = store;
  if (streams) Object.assign(guarded, { streams: guardedStreams(streams) });
  if (subscriptions) Object.assign(guarded, { subscriptions: guardedSubscriptions(subscriptions) });
  // The operator must be able to read why a store can't be opened.
  if (open) guarded.open = async () => open.call(store);
  if (close) guarded.close = () => failing("", async () => close.call(store));
  if (health) guarded.health = () => failing("", async () => health.call(store));
  if (counts) guarded.counts = () => counts.call(store);
  if (barrier) guarded.barrier = (path) => failing(path, async () => barrier.call(store, path));
  if (tidy) guarded.tidy = () => failing("", async () => tidy.call(store));
  if (appendedBelow) guarded.appendedBelow = (folder) => failing(folder, async () => appendedBelow.call(store, folder));
  if (freeBytes) guarded.freeBytes = () => failing("", async () => freeBytes.call(store));
  if (usedBytes) guarded.usedBytes = () => failing("", async () => usedBytes.call(store));
  if (requestHandover) {
    guarded.requestHandover = (path) =>
      failing(path, async () => {
        const withdraw = await requestHandover.call(store, path);
        return () => failing(path, async () => withdraw());
      });
  }
  if (watch) {
    guarded.watch = (path, signal) =>
      failing(path, async () => {
        const growth = await watch.call(store, path, signal);
        return growth && guardedEach(path, growth);
      });
  }
  if (notices) {
    guarded.notices = (path, heard) => {
      try {
        return notices.call(store, path, heard);
      } catch (error) {
        throw failure(path, error);
      }
    };
  }
  return guarded;
}

/** Runs `work` and converts its errors, including those that it throws before it returns a promise. */
async function failing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failure(path, error);
  }
}

function failure(path: string, cause: unknown): StreamError {
  if (cause instanceof StreamError) return withRetryAfter(cause);
  const message = `The store failed for "/${path}". The server's log says why.`;
  return new StreamError("storage", message, { path, cause });
}

function broken(path: string, what: string): StreamError {
  return failure(path, new TypeError(`The store violates its contract: ${what}.`));
}

/** Wraps a handle. Optional members that the driver lacks stay missing; required ones get a default. */
function guardedHandle(path: string, handle: AppendHandle): AppendHandle {
  if (!isSize(handle.offset)) throw broken(path, `the offset of an append is ${handle.offset}`);
  const { isRevoked, verify, leaveEndMarker, discard } = handle;
  const revoked = guardedSignal(path, handle.revoked);
  const guarded: AppendHandle = {
    get offset() {
      return handle.offset;
    },
    get epoch() {
      return handle.epoch;
    },
    get generation() {
      return handle.generation ?? "";
    },
    get type() {
      return handle.type;
    },
    get stream() {
      return handle.stream;
    },
    get fate() {
      return handle.fate;
    },
    get wasSilent() {
      return handle.wasSilent ?? false;
    },
    revoked,
    append: (batch, change) =>
      failing(path, async () => {
        const size = await handle.append(batch, change);
        if (!isSize(size)) throw broken(path, `the size after an append is ${size}`);
        return size;
      }),
    release: (ended) => failing(path, async () => handle.release(ended)),
  };
  const optional: Partial<AppendHandle> = {
    ...(handle.created !== undefined && { created: handle.created }),
    ...(handle.handoverRequested && { handoverRequested: handle.handoverRequested }),
    ...(isRevoked && { isRevoked: () => isRevoked.call(handle) }),
    ...(verify && { verify: () => failing(path, async () => verify.call(handle)) }),
    ...(leaveEndMarker && {
      leaveEndMarker: (ended: EndReason) => failing(path, async () => leaveEndMarker.call(handle, ended)),
    }),
    ...(discard && { discard: () => failing(path, async () => discard.call(handle)) }),
  };
  return Object.assign(guarded, optional);
}

function guardedSessions(sessions: SessionRecords): SessionRecords {
  return {
    save: (record, claim) => failing(record.path, async () => sessions.save(record, claim)),
    find: (path) => failing(path, async () => sessions.find(path)),
    remove: (path, claim) => failing(path, async () => sessions.remove(path, claim)),
    list: () => failing("", async () => sessions.list()),
  };
}

function guardedStreams(streams: StreamRecords): StreamRecords {
  const { prepareTombstone, renew, renewal } = streams;
  return {
    find: (path) => failing(path, async () => streams.find(path)),
    list: () => failing("", async () => streams.list()),
    writeTombstone: (path, tombstone) => failing(path, async () => streams.writeTombstone(path, tombstone)),
    forget: (path) => failing(path, async () => streams.forget(path)),
    addFork: (source, fork) => failing(source, async () => streams.addFork(source, fork)),
    removeFork: (source, fork) => failing(source, async () => streams.removeFork(source, fork)),
    forksOf: (source) => failing(source, async () => streams.forksOf(source)),
    ...(prepareTombstone && {
      prepareTombstone: (path: string, tombstone: StreamState | undefined) =>
        failing(path, async () => prepareTombstone.call(streams, path, tombstone)),
    }),
    ...(renew && { renew: (path: string) => failing(path, async () => renew.call(streams, path)) }),
    ...(renewal && { renewal: (path: string) => failing(path, async () => renewal.call(streams, path)) }),
  };
}

function guardedSubscriptions(subscriptions: SubscriptionRecords): SubscriptionRecords {
  return {
    list: () => failing("", async () => subscriptions.list()),
    find: (name) => failing(name.root, async () => subscriptions.find(name)),
    secret: (create) => failing("", async () => subscriptions.secret(create)),
    async change(name, change) {
      // Errors of the server itself must come back unchanged.
      let thrown: { readonly error: unknown } | undefined;
      const noting = async (found: SubscriptionRecord | undefined) => {
        try {
          return await change(found);
        } catch (error) {
          thrown = { error };
          throw error;
        }
      };
      try {
        await failing(name.root, async () => subscriptions.change(name, noting));
      } catch (error) {
        throw thrown ? thrown.error : error;
      }
    },
  };
}

function checkedStat(path: string, found: StoreStat | undefined): StoreStat | undefined {
  if (!found) return undefined;
  const { size, modified, generation = "" } = found;
  if (!isSize(size)) throw broken(path, `the size of a resource is ${size}`);
  if (!(modified instanceof Date)) throw broken(path, "the time of a resource is not a Date");
  // The generation becomes a header value and a part of URLs.
  if (!/^[!-~]{0,255}$/.test(generation)) throw broken(path, "a generation does not fit into a header");
  return { ...found, generation };
}

function isSize(size: unknown): size is number {
  return Number.isSafeInteger(size) && Number(size) >= 0;
}

async function* guardedEach<T>(path: string, values: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void, void> {
  try {
    yield* values;
  } catch (error) {
    throw failure(path, error);
  }
}

/** A signal that aborts together with the driver's, with a {@link StreamError} as its reason. */
function guardedSignal(path: string, signal: AbortSignal | undefined): AbortSignal {
  const controller = new AbortController();
  // A driver of an earlier version of the contract has no signal.
  const source = signal ?? new AbortController().signal;
  const abort = (): void => controller.abort(failure(path, source.reason));
  if (source.aborted) abort();
  else source.addEventListener("abort", abort);
  return controller.signal;
}

type Range = Parameters<Store["read"]>;

/**
 * Checks every chunk. The result copies into the reader's memory even if the driver's stream would not; only the file
 * store, which is not guarded, avoids that.
 */
function guardedRead(store: Store, range: Range): ReadableStream<Uint8Array> {
  const [path, from, to] = range;
  let reader: ReadableStreamDefaultReader<Uint8Array>;
  try {
    reader = store.read(...range).getReader();
  } catch (error) {
    return failedStream(failure(path, error));
  }
  let left = to - from;
  const next = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw failure(path, error);
    });
    if (done) return undefined;
    if (!(value instanceof Uint8Array)) throw broken(path, "a piece of a read is not a Uint8Array");
    if (value.length > left) throw broken(path, "a read returned more bytes than requested");
    left -= value.length;
    return value;
  };
  return new ReadableStream(
    {
      async pull(controller) {
        let piece = await next();
        // Skip empty chunks: without a chunk, the stream does not pull again.
        while (piece?.length === 0) piece = await next();
        if (piece) controller.enqueue(piece);
        else controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function failedStream(error: StreamError): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.error(error) });
}
