/** What is special about several processes on one root, besides the section `shared` of the suite. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileStore } from "../../../src/stores/file/store.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import { put } from "./driver.ts";
import { type Claimant, fileClaimant, NO_PROCESSES } from "./elsewhere.ts";

function processTest(what: string, run: (root: string, other: Claimant) => Promise<void>): void {
  test(what, NO_PROCESSES === undefined ? {} : { skip: NO_PROCESSES }, async () => {
    const root = await temporaryFolder("processes");
    const other = fileClaimant(root);
    try {
      assert.equal(await other.ask("claim a.txt"), "claimed at 0");
      await run(root, other);
    } finally {
      await other.kill();
      await removeFolder(root);
    }
  });
}

processTest("the path of a killed process is free at once, and leaves no entry", async (root, other) => {
  const store = fileStore({ root });
  assert.equal(await other.ask("append a.txt before "), "size 7");
  await other.kill();
  assert.equal(await put(store, "a.txt", "after"), 12);
  assert.equal(readFileSync(join(root, "a.txt"), "utf8"), "before after");
  assert.deepEqual(readdirSync(join(root, ".httpfstream", "entries")), []);
});

processTest("an abandoned watch and a dead process leave nothing behind", async (root, other) => {
  const store = fileStore({ root });
  const news = await store.watch?.("a.txt", new AbortController().signal);
  await news?.next();
  await news?.return();
  await other.kill();
  await store.tidy?.();
  const left = readdirSync(join(root, ".httpfstream"), { recursive: true, withFileTypes: true });
  const files = left.filter((entry) => entry.isFile() && !entry.parentPath.endsWith("streams"));
  assert.deepEqual(
    files.map(({ name }) => name),
    [],
  );
});
