/**
 * What the Store contract suite requires of a driver, and helpers for its cases.
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AppendHandle, ListOptions, Store, StoreEntry } from "../../../src/engine/storage/store.ts";
import { type ErrorCode, StreamError } from "../../../src/protocol/errors.ts";

/** An empty store for one test. */
export interface OpenStore {
  readonly store: Store;
  /** Opens a second store on the same data, as another part of the program would. */
  again(): Store;
  /** Removes the store's data. */
  close(): Promise<void>;
}

/** A store driver under test. */
export interface Driver {
  readonly name: string;
  open(): Promise<OpenStore>;
  /** The reasons why this driver cannot pass certain cases, by title. */
  readonly skips?: Readonly<Record<string, string>>;
}

/** The cases of one section, by title. */
export type Cases = Readonly<Record<string, (opened: OpenStore) => Promise<void>>>;

/** Registers the cases. Each gets its own empty store. */
export function section(driver: Driver, title: string, cases: Cases): void {
  describe(title, () => {
    for (const [what, run] of Object.entries(cases)) {
      const reason = driver.skips?.[what];
      test(what, reason === undefined ? {} : { skip: reason }, async () => {
        const opened = await driver.open();
        try {
          await run(opened);
        } finally {
          await opened.close();
        }
      });
    }
  });
}

/** Claims a path, appends batches and releases it; resolves with the new size. */
export async function put(store: Store, path: string, ...batches: (string | Uint8Array)[]): Promise<number> {
  const handle = await store.claim(path);
  try {
    for (const batch of batches) await handle.append(Buffer.from(batch));
    return handle.offset;
  } finally {
    await handle.release();
  }
}

/** Reads everything stored at a path, which must exist. */
export async function stored(store: Store, path: string): Promise<Buffer> {
  const found = await store.stat(path);
  assert.ok(found, `"${path}" should exist`);
  return await readAll(store.read(path, 0, found.size));
}

/** Reads a stream to its end. */
export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  return Buffer.concat(chunks);
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
export function namesOf(rows: StoreEntry[] | undefined): string[] | undefined {
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
