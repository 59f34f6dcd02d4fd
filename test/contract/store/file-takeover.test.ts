/** A takeover from an owner that may still write replaces the file by a copy with the same metadata. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { keyOf } from "../../../src/stores/file/reserved/layout.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { filesBelow, leftBelow } from "../../fixture/left.ts";
import { goByPath } from "../../fixture/second-process.ts";
import { until } from "../../fixture/until.ts";
import { put, rejectsWith } from "./driver.ts";
import { fileTest } from "./file-root.ts";

const ELSEWHERE = { id: "elsewhere", pid: 1, started: "1", scope: "another-host another-boot pid:[1]" };

/** Creates the claims folder of a path as a process leaves it that moved a silent owner's entry away and then died. */
function takenAway(root: string, path: string): string {
  const folder = join(root, ".httpfstream", "entries", keyOf(path));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "away-1-elsewhere"), JSON.stringify(ELSEWHERE));
  return folder;
}

fileTest("a takeover keeps mode, owner and time of a file, and leaves nothing behind", async ({ store, root }) => {
  const file = join(root, "a.txt");
  writeFileSync(file, "before ");
  const isPrivileged = process.getuid?.() === 0;
  if (isPrivileged) chownSync(file, 12_345, 54_321);
  // The system clears the set-user-ID and set-group-ID bits when the owner of a file changes.
  chmodSync(file, 0o6750);
  utimesSync(file, 1_000_000_000, 1_000_000_000);
  const before = statSync(file);
  takenAway(root, "a.txt");
  const handle = await store.claim("a.txt");
  const after = statSync(file);
  assert.notEqual(after.ino, before.ino, "it is a copy");
  for (const what of ["mode", "uid", "gid", "mtimeMs", "nlink", "size"] as const)
    assert.equal(after[what], before[what], what);
  await handle.append(Buffer.from("after"));
  await handle.release();
  assert.equal(readFileSync(file, "utf8"), "before after");
  assert.deepEqual(leftBelow(join(root, ".httpfstream")), []);
  await until("the lease to be given up", () => filesBelow(join(root, ".httpfstream")).length === 0);
});

fileTest("a claim that is refused by its check changes nothing, and takes nothing over", async ({ store, root }) => {
  const file = join(root, "a.txt");
  writeFileSync(file, "before ");
  const folder = takenAway(root, "a.txt");
  const { ino } = statSync(file);
  const check = (): Promise<void> => Promise.reject(new Error("no"));
  await assert.rejects(store.claim("a.txt", { check }));
  await assert.rejects(store.claim("new/b.txt", { check }));
  assert.equal(statSync(file).ino, ino);
  assert.deepEqual(readdirSync(folder), ["away-1-elsewhere"]);
  assert.ok(!readdirSync(root).includes("new"), "nothing is made");
  await put(store, "a.txt", "after");
  assert.notEqual(statSync(file).ino, ino);
});

fileTest("a folder in place of a file that was taken over is refused like any other", async ({ store, root }) => {
  mkdirSync(join(root, "a.txt"));
  takenAway(root, "a.txt");
  await rejectsWith(store.claim("a.txt"), "path_conflict");
});

fileTest("an owner detects a takeover that begins, however recent its sign of life is", async ({ store, root }) => {
  const { linkSync, renameSync } = await import("node:fs");
  const file = join(root, "a.txt");
  const handle = await store.claim("a.txt");
  await handle.append(Buffer.from("one "));
  // A hard link made by another program is not a takeover.
  linkSync(file, `${file}.backup`);
  await handle.append(Buffer.from("two "));
  await goByPath(root);
  const folder = join(root, ".httpfstream", "entries", keyOf("a.txt"));
  const [entry] = readdirSync(folder) as [string];
  renameSync(join(folder, entry), join(folder, `away-${entry}`));
  linkSync(file, `${file}.taken`);
  await rejectsWith(handle.append(Buffer.from("three ")), "fenced");
  assert.equal(readFileSync(file, "utf8"), "one two ");
  await handle.release();
  appendFileSync(file, "by its new owner ");
  await put(fileStore({ root }), "a.txt", "four");
  assert.equal(readFileSync(file, "utf8"), "one two by its new owner four");
});

fileTest("an owner that finds its file replaced by a takeover reports that, and not a foreign change", async (at) => {
  const { renameSync } = await import("node:fs");
  const file = join(at.root, "a.txt");
  const handle = await at.store.claim("a.txt");
  await handle.append(Buffer.from("one "));
  await goByPath(at.root);
  const folder = join(at.root, ".httpfstream", "entries", keyOf("a.txt"));
  const [entry] = readdirSync(folder) as [string];
  renameSync(join(folder, entry), join(folder, `away-${entry}`));
  writeFileSync(`${file}.copy`, "one ");
  renameSync(`${file}.copy`, file);
  await rejectsWith(handle.append(Buffer.from("two ")), "fenced");
  assert.ok(handle.isRevoked?.());
  await handle.release();
});
