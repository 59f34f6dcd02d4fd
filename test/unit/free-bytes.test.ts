/** The free space of a disk, as systems and runtimes report it. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { type TestContext, test } from "node:test";
import { freeBytesOf } from "../../src/stores/file/free-bytes.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

/** Until the test ends, every disk has these sizes. Returns the folders that were asked for. */
function sizes(t: TestContext, found: { bavail: number; blocks: number; bsize: number }): string[] {
  const asked: string[] = [];
  t.mock.method(fs.promises, "statfs", async (folder: string) => {
    asked.push(folder);
    return { ...found, bfree: 9_999, files: 9_999 };
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return asked;
}

test("the disk of a folder has space, that of a missing folder is an error", async (t) => {
  const root = await temporaryFolder("free-bytes");
  t.after(() => removeFolder(root));
  assert.ok(Number(await freeBytesOf(root)) > 0);
  await assert.rejects(freeBytesOf(`${root}/none`), { code: "ENOENT" });
});

test("what ordinary users may write counts; a full disk has none", async (t) => {
  const asked = sizes(t, { bavail: 3, blocks: 10, bsize: 512 });
  assert.equal(await freeBytesOf("/a"), 1_536);
  assert.deepEqual(asked, ["/a"]);
  sizes(t, { bavail: 0, blocks: 10, bsize: 512 });
  assert.equal(await freeBytesOf("/a"), 0);
});

test("a file system that reports no sizes does not tell", async (t) => {
  sizes(t, { bavail: 0, blocks: 0, bsize: 512 });
  assert.equal(await freeBytesOf("/a"), undefined);
});

test("on Deno the system is asked only with the permission", async (t) => {
  const asked = sizes(t, { bavail: 3, blocks: 10, bsize: 512 });
  const queries: unknown[] = [];
  let state = "prompt";
  const query = async (descriptor: unknown): Promise<{ state: string }> => {
    queries.push(descriptor);
    return { state };
  };
  Object.assign(globalThis, { Deno: { permissions: { query } } });
  t.after(() => Reflect.deleteProperty(globalThis, "Deno"));
  assert.equal(await freeBytesOf("/a"), undefined);
  state = "granted";
  assert.equal(await freeBytesOf("/a"), 1_536);
  assert.deepEqual([asked, queries], [["/a"], Array(2).fill({ name: "sys", kind: "statfs" })]);
});
