/** What an append handle of the file store writes, checks around each write, and says when something is wrong. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs, { appendFileSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { FileAppendHandle } from "../../src/stores/file/handle.ts";
import { RecordFiles } from "../../src/stores/file/records/record-files.ts";
import type { StreamRecord } from "../../src/stores/file/records/stream-record.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { put, rejectsWith } from "../contract/store/driver.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { type ClaimPlace, claimTest, PATH } from "../fixture/claims.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { beforeFlush, systemError } from "../fixture/open-files.ts";
import { goByPath } from "../fixture/second-process.ts";
import { until } from "../fixture/until.ts";

async function handleOf({ root }: ClaimPlace): Promise<FileAppendHandle> {
  return (await fileStore({ root }).claim(PATH)) as FileAppendHandle;
}

/** The record of the path on the disk. */
function recorded({ reserved }: ClaimPlace): StreamRecord | undefined {
  return new RecordFiles(reserved).readNow(PATH);
}

/** Replaces a function of the file system until the test ends. */
function replace<Name extends "statSync" | "writeSync">(
  t: TestContext,
  name: Name,
  by: (real: (typeof fs)[Name]) => (...args: never[]) => unknown,
): void {
  t.mock.method(fs, name, by(fs[name]) as (typeof fs)[Name]);
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

claimTest("small and large batches follow each other in the file", async (at) => {
  const handle = await handleOf(at);
  const bytes = [10, 1_000_000, 0, 20].map((length, seed) => randomBytes(length, seed));
  let size = 6;
  for (const batch of bytes) {
    size += batch.length;
    assert.equal(await handle.append(batch), size);
  }
  assert.ok(readFileSync(at.file).equals(Buffer.concat([Buffer.from("before"), ...bytes])));
  await handle.release("complete");
});

claimTest("bytes of another program that come during a write fail the append at its beginning", async (at) => {
  const handle = await handleOf(at);
  await handle.append(Buffer.from(" ours"));
  replace(at.t, "writeSync", (real) => (...args: Parameters<typeof real>) => {
    appendFileSync(at.file, " theirs");
    return real(...args);
  });
  const { path } = await rejectsWith(handle.append(Buffer.from(" more")), "changed");
  assert.deepEqual([path, handle.offset, handle.fate], [PATH, 11, "failed"]);
  await handle.release("failed");
});

claimTest("a write that fails after other bytes were lost counts nothing", async (at) => {
  const handle = await handleOf(at);
  await handle.append(Buffer.from(" ours"));
  replace(at.t, "writeSync", () => () => {
    truncateSync(at.file, 3);
    throw systemError("EIO");
  });
  await rejectsWith(handle.append(Buffer.from("more")), "storage");
  assert.equal(handle.offset, 11);
  await handle.release("failed");
});

claimTest("a file of which the system tells nothing is not taken for a deleted one", async (at) => {
  const handle = await handleOf(at);
  replace(at.t, "statSync", (real) => (name: string, ...rest: never[]) => {
    if (name === at.file) throw systemError("EIO");
    return real(name, ...rest);
  });
  const { path } = await rejectsWith(handle.append(Buffer.from("x")), "storage");
  assert.deepEqual([path, handle.fate, handle.offset], [PATH, undefined, 6]);
  at.t.mock.restoreAll();
  syncBuiltinESMExports();
  assert.equal(await handle.append(Buffer.from("x")), 7);
  await handle.release("complete");
});

claimTest("a named pipe is not appended to", async (at) => {
  rmSync(at.file);
  assert.equal(spawnSync("mkfifo", [at.file]).status, 0);
  const { path } = await rejectsWith(handleOf(at), "path_conflict");
  assert.equal(path, PATH);
  if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(at.root), []);
});

claimTest("errors name the path: of what was released, changed, or taken over", async (at) => {
  const released = await handleOf(at);
  await released.release();
  await released.release();
  assert.equal((await rejectsWith(released.append(Buffer.from("x")), "fenced")).path, PATH);
  assert.equal(readFileSync(at.file, "utf8"), "before");
  const taken = await handleOf(at);
  await goByPath(at.root);
  at.moveAway();
  at.clock.nowMs += 5_000;
  assert.equal((await rejectsWith(taken.append(Buffer.from("x")), "fenced")).path, PATH);
  assert.equal(readFileSync(at.file, "utf8"), "before");
  await taken.release();
});

claimTest("a claim without an append leaves on record how the last append ended", async (at) => {
  const handle = await handleOf(at);
  await handle.append(Buffer.from(" after"));
  await handle.release("complete");
  assert.equal(recorded(at)?.ended, "complete");
  await (await handleOf(at)).release();
  assert.equal(recorded(at)?.ended, "complete");
});

claimTest("an end is on record as soon as it is announced: the process may die before the path is free", async (at) => {
  const handle = await handleOf(at);
  await handle.append(Buffer.from(" after"));
  assert.equal(recorded(at)?.appending, true);
  await handle.leaveEndMarker("complete");
  assert.deepEqual([recorded(at)?.appending, recorded(at)?.ended, recorded(at)?.size], [undefined, "complete", 12]);
  await handle.release("complete");
});

claimTest("disk: that an append has begun is on the disk before its bytes go anywhere", async (at) => {
  const { root, file, reserved, t } = at;
  await put(fileStore({ root }), PATH, " after");
  const store = fileStore({ root, durability: "disk" });
  const [handle, other] = [await store.claim(PATH), await store.claim("other.txt")];
  let flush = (): void => {};
  let flushes = 0;
  const flushed = new Promise<void>((resolve) => {
    flush = resolve;
  });
  // Only the first flush, which is that of the record, has to wait.
  await beforeFlush(t, () => (flushes++ === 0 ? flushed : undefined));
  const appended = handle.append(Buffer.from(" more"));
  await until("the first flush", () => flushes > 0);
  await other.append(Buffer.from("meanwhile"));
  assert.equal(recorded(at)?.appending, true);
  const { journal } = reserved;
  const kept = readdirSync(journal).map((name) => readFileSync(join(journal, name), "latin1"));
  assert.deepEqual([kept.join("").includes("meanwhile"), kept.join("").includes(" more")], [true, false]);
  assert.equal(readFileSync(file, "utf8"), "before after");
  flush();
  assert.equal(await appended, 17);
  await other.release("complete");
  await handle.release("complete");
});

claimTest("disk: the record of a new path is on the disk when it is claimed", async ({ root, reserved, t }) => {
  const flushed: number[] = [];
  await beforeFlush(t, ({ fd }) => flushed.push(fs.fstatSync(fd).ino));
  for (const [durability, isFlushed] of [
    ["os", false],
    ["disk", true],
  ] as const) {
    const handle = await fileStore({ root, durability }).claim(`${durability}.txt`);
    assert.equal(flushed.includes(fs.statSync(reserved.streams).ino), isFlushed, durability);
    await handle.release();
  }
});
