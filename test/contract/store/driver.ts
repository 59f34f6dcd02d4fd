/**
 * What the Store contract suite needs to know of a driver, and small helpers for its cases.
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AppendHandle, ListOptions, Store, StoreEntry } from "../../../src/engine/storage/store.ts";
import { type ErrorCode, StreamError } from "../../../src/protocol/errors.ts";

/** An empty store of a driver, for one test. */
export interface OpenStore {
  readonly store: Store;
  /** A second store on the same bytes, as another part of the program would open it. */
  again(): Store;
  /** Removes everything. */
  close(): Promise<void>;
}

/** A Store driver under test. */
export interface Driver {
  readonly name: string;
  open(): Promise<OpenStore>;
  /** Cases that this driver cannot pass, and why. */
  readonly skips?: Readonly<Record<string, string>>;
}

/** The cases of one section: what must hold, and how to see it. */
export type Cases = Readonly<Record<string, (opened: OpenStore) => Promise<void>>>;

/** Registers cases, each with an empty store of its own. */
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

/** Appends to a path and gives it back; resolves with its new size. */
export async function put(store: Store, path: string, ...batches: (string | Uint8Array)[]): Promise<number> {
  const handle = await store.claim(path);
  try {
    for (const batch of batches) await handle.append(Buffer.from(batch));
    return handle.offset;
  } finally {
    await handle.release();
  }
}

/** Everything stored at a path. */
export async function stored(store: Store, path: string): Promise<Buffer> {
  const found = await store.stat(path);
  assert.ok(found, `"${path}" should exist`);
  return await readAll(store.read(path, 0, found.size));
}

/** Everything a stream yields. */
export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  return Buffer.concat(chunks);
}

/** All rows of a listing. */
export async function listed(store: Store, folder: string, options?: ListOptions): Promise<StoreEntry[] | undefined> {
  const listing = await store.list(folder, options);
  if (!listing) return undefined;
  const rows: StoreEntry[] = [];
  for await (const row of listing) rows.push(row);
  return rows;
}

/** The names of a listing's rows. */
export function namesOf(rows: StoreEntry[] | undefined): string[] | undefined {
  return rows?.map(({ name }) => name);
}

/** Checks that a promise rejects with a {@link StreamError} of one of the codes, and returns it. */
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

/** Claims a path for the time of a function. */
export async function holding<T>(store: Store, path: string, use: (handle: AppendHandle) => Promise<T>): Promise<T> {
  const handle = await store.claim(path);
  try {
    return await use(handle);
  } finally {
    await handle.release();
  }
}
