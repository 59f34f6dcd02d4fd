/**
 * The cases of the suite, what a store may lack for them, and helpers.
 * @module
 */
import { byobReader } from "../../engine/storage/byte-reader.ts";
import type { AppendHandle, ListOptions, Store, StoreEntry } from "../../engine/storage/store.ts";
import { type ErrorCode, StreamError } from "../../protocol/errors.ts";
import type { OtherProcess } from "./actor.ts";
import { assert } from "./assert.ts";
import { bytesOf, concat } from "./bytes.ts";

/** The store of one case. */
export interface CaseStore {
  readonly store: Store;
  /** Opens a second store on the same data. */
  again(): Store;
  /** Starts another process with a store on the same data. It is ended after the case. */
  elsewhere(): Promise<OtherProcess>;
}

/** The features that a store may lack. */
export type Need =
  | "discard"
  | "verify"
  | "tidy"
  | "watch"
  | "streams"
  | "subscriptions"
  | "byte streams"
  | "other processes"
  | "processes that can be suspended"
  | "handover";

/**
 * The parts that a store lacks, each with the reason for which its cases are skipped.
 *
 * @param elsewhere Starts another process; undefined if there can't be one.
 */
export async function missingParts(
  store: Store,
  elsewhere: (() => Promise<OtherProcess> | OtherProcess) | undefined,
): Promise<ReadonlyMap<Need, string>> {
  const handle = await store.claim("probe");
  await handle.append(bytesOf("probe"));
  await handle.release("complete");
  const reader = byobReader(store.read("probe", 0, 5));
  await reader?.cancel();
  const other = await elsewhere?.();
  await other?.kill();
  const reasons: [Need, boolean, string][] = [
    ["discard", handle.discard !== undefined, 'its handles have no "discard": the server calls "release"'],
    ["verify", handle.verify !== undefined, 'its handles have no "verify": nothing else may change its content'],
    ["tidy", store.tidy !== undefined, 'it has no "tidy"'],
    ["watch", store.watch !== undefined, 'it has no "watch": no other process may append to it'],
    ["streams", store.streams !== undefined, 'it has no "streams": Durable Streams are off'],
    ["subscriptions", store.subscriptions !== undefined, 'it has no "subscriptions": webhooks are off'],
    ["other processes", other !== undefined, 'its "open" returns no "elsewhere": no other process may use its data'],
    ["processes that can be suspended", other?.freeze !== undefined, 'its other processes have no "freeze"'],
    ["handover", store.requestHandover !== undefined, 'it has no "requestHandover"'],
    ["byte streams", reader !== undefined, "its reads are ordinary streams: the server copies them"],
  ];
  return new Map(reasons.filter(([, has]) => !has).map(([need, , reason]) => [need, reason]));
}

/** One case. It fails if it rejects. */
export interface Case {
  (opened: CaseStore): Promise<void>;
  /** What the store must have for the case; without it, the case is skipped. */
  readonly needs?: Need | readonly Need[];
}

/** The cases of one section, by title. */
export type Cases = Readonly<Record<string, Case>>;

/** Marks a case that needs a part of the contract that a store may lack. */
export function needing(needs: Need | readonly Need[], run: (opened: CaseStore) => Promise<void>): Case {
  return Object.assign((opened: CaseStore) => run(opened), { needs });
}

/** Claims a path, appends batches and releases it; resolves with the new size. */
export async function put(store: Store, path: string, ...batches: (string | Uint8Array)[]): Promise<number> {
  const handle = await store.claim(path);
  try {
    for (const batch of batches) await handle.append(typeof batch === "string" ? bytesOf(batch) : batch);
    return handle.offset;
  } finally {
    await handle.release();
  }
}

/** Reads everything stored at a path, which must exist. */
export async function stored(store: Store, path: string): Promise<Uint8Array> {
  const found = await store.stat(path);
  assert.ok(found, `"${path}" should exist`);
  return await readAll(store.read(path, 0, found.size));
}

/** Reads a stream to its end. */
export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  return concat(chunks);
}

/** Reads all rows of a listing. */
export async function listed(store: Store, folder: string, options?: ListOptions): Promise<StoreEntry[] | undefined> {
  const listing = await store.list(folder, options);
  if (!listing) return undefined;
  const rows: StoreEntry[] = [];
  for await (const row of listing) rows.push(row);
  return rows;
}

/** Returns the names of a listing's rows. */
export function namesOf(rows: readonly StoreEntry[] | undefined): string[] | undefined {
  return rows?.map(({ name }) => name);
}

/** Checks that a promise rejects with a {@link StreamError} with one of the codes, and returns the error. */
export async function rejectsWith(promise: Promise<unknown>, ...codes: ErrorCode[]): Promise<StreamError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  assert.ok("error" in outcome, `expected ${codes.join(" or ")}, but it succeeded`);
  const { error } = outcome;
  assert.ok(error instanceof StreamError, `expected a StreamError, got ${String(error)}`);
  assert.ok(codes.includes(error.code), `expected ${codes.join(" or ")}, got ${error.code}: ${error.message}`);
  return error;
}

/** Holds a claim on a path while a function runs. */
export async function holding<T>(store: Store, path: string, use: (handle: AppendHandle) => Promise<T>): Promise<T> {
  const handle = await store.claim(path);
  try {
    return await use(handle);
  } finally {
    await handle.release();
  }
}

/** Milliseconds after which something that a case waits for does not come any more. */
const PATIENCE_MS = 60_000;

/** Milliseconds between two looks at what a case waits for. */
const LOOK_MS = 20;

/** Calls a function until it resolves with something else than undefined, and resolves with that. */
async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > untilMs) assert.fail(`waited ${PATIENCE_MS / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Claims a path as soon as the other process that has it does not have it any more. */
export function claimSoon(store: Store, path: string): Promise<AppendHandle> {
  return eventually(`"${path}" to be free`, () =>
    store.claim(path).catch(async (error: unknown) => {
      await rejectsWith(Promise.reject(error), "conflict");
      return undefined;
    }),
  );
}

/** Returns the generation of the content at a path, which must exist. */
export async function generationOf(store: Store, path: string): Promise<string> {
  const found = await store.stat(path);
  assert.ok(found, `"${path}" should exist`);
  assert.match(found.generation, /^[\w-]{8,64}$/, "it can stand in a URL as it is");
  return found.generation;
}

/** Not in the web standards, but faster than a timer. */
const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** Lets everything else run for a turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
