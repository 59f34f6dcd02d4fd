/**
 * A custom store, held to its contract.
 *
 * A store that others have written may fail in any way: with errors of its database, whose words are no business of
 * clients; with pieces that are no bytes, or more of them than were asked for; without what later versions of the
 * contract have added. Here all of that becomes errors that the server knows, or defaults.
 * @module
 */
import { StreamError } from "./errors.ts";
import type { AppendHandle, EndReason, SessionRecords, Store, StoreStat } from "./store.ts";

/**
 * The same store, whose errors are all {@link StreamError}s that tell clients nothing but that it failed; its own error is their
 * cause, for the log.
 *
 * @example
 * ```ts
 * const store = guardedStore(databaseStore(connection));
 * ```
 */
export function guardedStore(store: Store): Store {
  const guarded: Store = {
    sessions: guardedSessions(store.sessions),
    stat: (path) => failing(path, async () => checkedStat(path, await store.stat(path))),
    claim: (path, options) => failing(path, async () => guardedHandle(path, await store.claim(path, options))),
    read: (...range) => guardedRead(store, range),
    list: (folder, options) =>
      failing(folder, async () => {
        const rows = await store.list(folder, options);
        return rows && guardedEach(folder, rows);
      }),
    remove: (path) => failing(path, async () => store.remove(path)),
  };
  const { tidy, ask, watch } = store;
  if (tidy) guarded.tidy = () => failing("", async () => tidy.call(store));
  if (ask) {
    guarded.ask = (path) =>
      failing(path, async () => {
        const takeBack = await ask.call(store, path);
        return () => failing(path, async () => takeBack());
      });
  }
  if (watch) {
    guarded.watch = (path, signal) =>
      failing(path, async () => {
        const growth = await watch.call(store, path, signal);
        return growth && guardedEach(path, growth);
      });
  }
  return guarded;
}

/** Runs what may fail in any way, also before it returns a promise. */
async function failing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failure(path, error);
  }
}

function failure(path: string, cause: unknown): StreamError {
  if (cause instanceof StreamError) return cause;
  const message = `"/${path}" could not be stored or read: the store failed. The server's log says why.`;
  return new StreamError("storage", message, { path, cause });
}

function broken(path: string, what: string): StreamError {
  return failure(path, new TypeError(`The store does not keep to its contract: ${what}.`));
}

/** What a driver leaves out that it can't do stays left out; but for what the contract asks of every driver. */
function guardedHandle(path: string, handle: AppendHandle): AppendHandle {
  if (!isSize(handle.offset)) throw broken(path, `the offset of an append is ${handle.offset}`);
  const { verify, announce, discard } = handle;
  const lost = guardedSignal(path, () => handle.lost);
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
    get fate() {
      return handle.fate;
    },
    get wasSilent() {
      return handle.wasSilent ?? false;
    },
    get lost() {
      return lost();
    },
    append: (batch) =>
      failing(path, async () => {
        const size = await handle.append(batch);
        if (!isSize(size)) throw broken(path, `the size after an append is ${size}`);
        return size;
      }),
    release: (ended) => failing(path, async () => handle.release(ended)),
  };
  return Object.assign(guarded, {
    ...(handle.created !== undefined && { created: handle.created }),
    ...(handle.wanted && { wanted: handle.wanted }),
    ...(verify && { verify: () => failing(path, async () => verify.call(handle)) }),
    ...(announce && { announce: (ended: EndReason) => failing(path, async () => announce.call(handle, ended)) }),
    ...(discard && { discard: () => failing(path, async () => discard.call(handle)) }),
  });
}

function guardedSessions(sessions: SessionRecords): SessionRecords {
  return {
    save: (record, isOurs) => failing(record.path, async () => sessions.save(record, isOurs)),
    find: (path) => failing(path, async () => sessions.find(path)),
    remove: (path, isOurs) => failing(path, async () => sessions.remove(path, isOurs)),
    list: () => failing("", async () => sessions.list()),
  };
}

function checkedStat(path: string, found: StoreStat | undefined): StoreStat | undefined {
  if (!found) return undefined;
  const { size, modified, generation = "" } = found;
  if (!isSize(size)) throw broken(path, `the size of a resource is ${size}`);
  if (!(modified instanceof Date)) throw broken(path, "the time of a resource is no Date");
  // It becomes a header, and a part of URLs.
  if (!/^[!-~]{0,255}$/.test(generation)) throw broken(path, "a generation does not fit into a header");
  return { ...found, generation };
}

function isSize(size: unknown): size is number {
  return typeof size === "number" && Number.isSafeInteger(size) && size >= 0;
}

async function* guardedEach<T>(path: string, values: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T, void, void> {
  try {
    yield* values;
  } catch (error) {
    throw failure(path, error);
  }
}

/** A signal that aborts with a {@link StreamError}. The driver's is read each time: it may look at its path only then. */
function guardedSignal(path: string, signal: () => AbortSignal | undefined): () => AbortSignal {
  const controller = new AbortController();
  const abort = (reason: unknown): void => controller.abort(failure(path, reason));
  signal()?.addEventListener("abort", ({ target }) => abort((target as AbortSignal).reason), { once: true });
  return () => {
    const current = signal();
    if (current?.aborted && !controller.signal.aborted) abort(current.reason);
    return controller.signal;
  };
}

type Range = Parameters<Store["read"]>;

/** Checks every piece, also of a byte stream: it may fail with any error, or give more than was asked for. */
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
    if (!(value instanceof Uint8Array)) throw broken(path, "a piece of a read is no Uint8Array");
    if (value.length > left) throw broken(path, "a read gave more bytes than were asked for");
    left -= value.length;
    return value;
  };
  return new ReadableStream(
    {
      async pull(controller) {
        let piece = await next();
        // Nobody asks again before something has come.
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
