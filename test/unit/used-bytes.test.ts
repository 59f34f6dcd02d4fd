/** The bytes of all files of a root: what counts, and what does not. */
import assert from "node:assert/strict";
import { linkSync, mkdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import fsPromises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { usedBytesOf } from "../../src/stores/file/used-bytes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

async function rootOf(t: TestContext): Promise<string> {
  const root = realpathSync(await temporaryFolder("used-bytes"));
  t.after(() => removeFolder(root));
  return root;
}

test("all files count, however many and however deep, but not what the store keeps for itself", async (t) => {
  const root = await rootOf(t);
  assert.equal(await usedBytesOf(root), 0);
  for (const folder of [".httpfstream/streams", "deep/er/.httpfstream", "empty"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  writeFileSync(join(root, ".httpfstream/streams/record"), Buffer.alloc(1_000_000));
  writeFileSync(join(root, "deep/er/.httpfstream/file"), Buffer.alloc(100_000));
  writeFileSync(join(root, "deep/er/file"), Buffer.alloc(10_000));
  // More than are looked at together, each with another size.
  for (let at = 1; at <= 70; at++) writeFileSync(join(root, "deep", `${at}`), Buffer.alloc(at));
  assert.equal(await usedBytesOf(root), 100_000 + 10_000 + (70 * 71) / 2);
});

test("links are not followed", async (t) => {
  const [root, outside] = [await rootOf(t), await rootOf(t)];
  mkdirSync(join(outside, "folder"));
  writeFileSync(join(outside, "folder/file"), "12345");
  symlinkSync(join(outside, "folder"), join(root, "folder"));
  symlinkSync(join(outside, "folder/file"), join(root, "file"));
  symlinkSync(".", join(root, "loop"));
  assert.equal(await usedBytesOf(root), 0);
  linkSync(join(outside, "folder/file"), join(root, "hard"));
  assert.equal(await usedBytesOf(root), 5);
});

test("what is gone before it is looked at counts as nothing", async (t) => {
  const root = await rootOf(t);
  assert.equal(await usedBytesOf(join(root, "none")), 0);
  for (const name of ["a", "b"]) writeFileSync(join(root, name), "123");
  const { lstat } = fsPromises;
  t.mock.method(fsPromises, "lstat", async (file: string) => {
    rmSync(join(root, "b"), { force: true });
    return lstat(file);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  assert.equal(await usedBytesOf(root), 3);
});
