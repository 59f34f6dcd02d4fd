/**
 * Helpers of the store suite for other tests, with Buffers.
 * @module
 */
import type { Store } from "../../../src/engine/storage/store.ts";
import * as cases from "../../../src/store/suite/cases.ts";

export { generationOf, holding, listed, namesOf, put, rejectsWith } from "../../../src/store/suite/cases.ts";

/** Reads everything stored at a path, which must exist. */
export async function stored(store: Store, path: string): Promise<Buffer> {
  return Buffer.from(await cases.stored(store, path));
}

/** Reads a stream to its end. */
export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  return Buffer.from(await cases.readAll(stream));
}
