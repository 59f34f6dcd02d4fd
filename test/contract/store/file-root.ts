/**
 * A file store in a temporary folder, for tests that access its files.
 * @module
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Store } from "../../../src/engine/storage/store.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";

/** A file store, and the folders around it. */
export interface FileRoot {
  readonly store: Store;
  /** The store's root. */
  readonly root: string;
  /** A folder next to the root, which must not be accessible through the store. */
  readonly outside: string;
}

/** Registers a test with its own file store. `skip` is the reason to skip it. */
export function fileTest(what: string, run: (at: FileRoot) => Promise<void>, skip?: string | undefined): void {
  test(what, skip === undefined ? {} : { skip }, async () => {
    const folder = await temporaryFolder("store");
    const root = join(folder, "root");
    const outside = join(folder, "root-outside");
    mkdirSync(outside);
    try {
      await run({ store: fileStore({ root }), root, outside });
    } finally {
      await removeFolder(folder);
    }
  });
}
