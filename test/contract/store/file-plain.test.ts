/** Resources are plain files: names and bytes in the store and on disk are the same. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RESERVED_SEGMENT } from "../../../src/protocol/path.ts";
import { ALL_BYTES } from "../../fixture/bytes.ts";
import { filesBelow, leftBelow } from "../../fixture/left.ts";
import { until } from "../../fixture/until.ts";
import { listed, namesOf, put, rejectsWith, stored } from "./driver.ts";
import { fileTest } from "./file-root.ts";

fileTest(
  "a resource is the file at its path, and all other state is in the reserved folder",
  async ({ store, root }) => {
    const names = ["a.txt", "dir/new\nline", "dir/cafe\u0301", "dir/caf\u00e9", "dir/.hidden"];
    for (const name of names) {
      await put(store, name, ALL_BYTES);
      assert.deepEqual(readFileSync(join(root, name)), ALL_BYTES, name);
    }
    assert.deepEqual(readdirSync(root).sort(), [RESERVED_SEGMENT, "a.txt", "dir"]);
    assert.equal(readdirSync(join(root, "dir")).length, names.length - 1);
    assert.deepEqual(leftBelow(join(root, RESERVED_SEGMENT)), [], "only the records remain when no append is open");
    await until("the lease to be given up", () => filesBelow(join(root, RESERVED_SEGMENT)).length === 0);
  },
);

fileTest("a file that another program has created is a resource", async ({ store, root }) => {
  mkdirSync(join(root, "dir"));
  writeFileSync(join(root, "dir/theirs.txt"), "theirs ");
  assert.equal(await put(store, "dir/theirs.txt", "ours"), 11);
  assert.equal(String(await stored(store, "dir/theirs.txt")), "theirs ours");
});

fileTest("the reserved folder is not listed", async ({ store, root }) => {
  mkdirSync(join(root, RESERVED_SEGMENT));
  writeFileSync(join(root, RESERVED_SEGMENT, "state"), "private");
  await put(store, "a.txt", "x");
  assert.deepEqual(namesOf(await listed(store, "")), ["a.txt"]);
  await rejectsWith(store.claim(`${RESERVED_SEGMENT}/state`), "bad_path");
});

fileTest("names that are not UTF-8 are left out of the listing, which has all others", async ({ store, root }) => {
  const { status } = spawnSync("sh", ["-c", `touch "$(printf '\\377\\376')"`], { cwd: root });
  assert.equal(status, 0);
  await put(store, "a.txt", "x");
  assert.deepEqual(namesOf(await listed(store, "")), ["a.txt"]);
});

fileTest("a listing of thousands of files", async ({ store, root }) => {
  const names = Array.from({ length: 5000 }, (_, at) => `${String(at).padStart(5, "0")}.log`);
  mkdirSync(join(root, "many"));
  for (const [at, name] of names.entries()) writeFileSync(join(root, "many", name), "x".repeat(at % 10));
  const rows = await listed(store, "many");
  assert.deepEqual(namesOf(rows), names);
  assert.ok(rows?.every(({ size }, at) => size === at % 10));
});
