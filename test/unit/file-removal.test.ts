/** The removal of a path from the file store: what changes meanwhile, and what is on the disk after it. */
import assert from "node:assert/strict";
import { existsSync, fstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { StreamError } from "../../src/protocol/errors.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { claimTest, PATH } from "../fixture/claims.ts";
import { beforeFlush } from "../fixture/open-files.ts";

claimTest("a folder that takes the place of the file before it is claimed stays there", async ({ root, file }) => {
  const store = fileStore({ root });
  let checks = 0;
  const isRemoved = await store.remove(PATH, async () => {
    if (checks++ > 0) return;
    rmSync(file);
    mkdirSync(file);
  });
  assert.deepEqual([isRemoved, checks > 0, statSync(file).isDirectory()], [false, true, true]);
});

claimTest("an error of the check leaves the file, and frees the path", async ({ root, file }) => {
  const store = fileStore({ root });
  const refused = new StreamError("conflict", "It has a session.");
  await assert.rejects(
    store.remove(PATH, () => Promise.reject(refused)),
    refused,
  );
  assert.ok(existsSync(file));
  assert.equal(await store.remove(PATH), true);
  assert.ok(!existsSync(file));
});

claimTest("disk: a removal survives a power cut", async ({ root, file, t }) => {
  const flushed: number[] = [];
  await beforeFlush(t, ({ fd }) => flushed.push(fstatSync(fd).ino));
  const { ino } = statSync(root);
  for (const [durability, isFlushed] of [
    ["os", false],
    ["disk", true],
  ] as const) {
    const store = fileStore({ root, durability });
    const handle = await store.claim(PATH);
    await handle.append(Buffer.from("x"));
    await handle.release("complete");
    flushed.length = 0;
    assert.equal(await store.remove(PATH), true);
    assert.equal(flushed.includes(ino), isFlushed, durability);
    assert.ok(!existsSync(file));
  }
});
