/** Append handles of the file store: what they check, record and leave behind. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { AppendHandle, ClaimOptions } from "../../src/engine/storage/store.ts";
import type { Durability } from "../../src/stores/file/durability.ts";
import { FileAppendHandle } from "../../src/stores/file/handle.ts";
import { RecordFiles } from "../../src/stores/file/records/record-files.ts";
import type { StreamRecord } from "../../src/stores/file/records/stream-record.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { LogFiles } from "../../src/stores/file/streams/log-files.ts";
import { put, rejectsWith } from "../contract/store/driver.ts";
import { type ClaimPlace, claimTest, PATH } from "../fixture/claims.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { beforeFlush } from "../fixture/open-files.ts";
import { OtherProcess } from "../fixture/other-process.ts";
import { goByPath } from "../fixture/second-process.ts";

/** The record of the path on the disk. */
function recorded({ reserved }: ClaimPlace, path = PATH): StreamRecord | undefined {
  return new RecordFiles(reserved).readNow(path);
}

/** Claims the path through a store. */
async function handleOf({ root }: ClaimPlace, path = PATH, options: ClaimOptions = {}): Promise<FileAppendHandle> {
  const handle = (await fileStore({ root }).claim(path, options)) as FileAppendHandle;
  await goByPath(root);
  return handle;
}

/** Another process takes the path over, and this one notices at its next look. */
function takeOver({ clock, moveAway }: ClaimPlace): void {
  moveAway();
  clock.nowMs += 5_000;
}

claimTest("an append whose beginning cannot be recorded writes nothing, and the next one records it", async (at) => {
  const { root, file, reserved } = at;
  await (await handleOf(at)).release();
  await put(fileStore({ root }), PATH, "");
  const handle = await handleOf(at);
  assert.equal(recorded(at)?.appending, undefined);
  renameSync(reserved.streams, `${reserved.streams}-away`);
  writeFileSync(reserved.streams, "a file");
  for (let count = 0; count < 2; count++) {
    await rejectsWith(handle.append(Buffer.from("lost")), "path_conflict");
    assert.equal(readFileSync(file, "utf8"), "before");
  }
  rmSync(reserved.streams);
  renameSync(`${reserved.streams}-away`, reserved.streams);
  assert.equal(await handle.append(Buffer.from(" after")), 12);
  assert.equal(recorded(at)?.appending, true, "if this process dies now, the appender was lost");
  await handle.release("complete");
  assert.deepEqual([recorded(at)?.appending, recorded(at)?.ended], [undefined, "complete"]);
});

claimTest("a handle covers the file that it appends to, with all its bytes", async (at) => {
  const handle = await handleOf(at);
  const found = statSync(at.file);
  const covers = (changes: Partial<Stats>): boolean => handle.covers(Object.assign(statSync(at.file), changes));
  assert.deepEqual(
    [covers({}), covers({ size: found.size + 1 }), covers({ size: found.size - 1 })],
    [true, true, false],
  );
  assert.deepEqual([covers({ ino: found.ino + 1 }), covers({ dev: found.dev + 1 })], [false, false]);
  assert.deepEqual([handle.proof().size, handle.proof().generation], [6, handle.generation]);
  takeOver(at);
  assert.deepEqual([handle.isOurs, handle.isRevoked(), covers({})], [false, true, false]);
  await handle.release();
});

claimTest("a path that is taken over before its file is open is not appended to", async (at) => {
  const { root, reserved, take } = at;
  const parts = { root, file: at.file, path: PATH, epoch: 1, commit: undefined, type: undefined };
  const claim = await take();
  at.moveAway();
  const mine = { records: new RecordFiles(reserved), logs: new LogFiles(reserved, false) };
  await rejectsWith(FileAppendHandle.open({ ...parts, ...mine, claim }, true), "fenced");
  if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(root), []);
  assert.equal(recorded(at), undefined);
});

claimTest("a handle of a silent process's path says so, and hears of requests", async (at) => {
  const { root, clock } = at;
  const silent = new OtherProcess(root);
  silent.claim(PATH);
  const store = fileStore({ root });
  for (let count = 0; count < 6; count++) {
    await store.tidy?.();
    clock.nowMs += 2_000;
  }
  const handle = (await store.claim(PATH)) as FileAppendHandle;
  assert.deepEqual([handle.wasSilent, handle.created, handle.offset], [true, false, 6]);
  assert.deepEqual([handle.revoked.aborted, handle.handoverRequested.aborted], [false, false]);
  await handle.release();
  const next = await handleOf(at, "b.txt", { type: "text/x-new" });
  assert.deepEqual([next.wasSilent, next.created, next.offset, next.type], [false, true, 0, "text/x-new"]);
  assert.ok(next.epoch > handle.epoch);
  await next.release();
});

claimTest("a handle verifies that everything is still there, until it is released", async (at) => {
  const handle = await handleOf(at);
  await handle.verify();
  truncateSync(at.file, 3);
  await rejectsWith(handle.verify(), "changed");
  assert.equal(handle.fate, "replaced");
  await handle.release();
  await handle.verify();
});

claimTest("foreign bytes fail an append, but the content is still the same one", async (at) => {
  const handle = await handleOf(at);
  await handle.append(Buffer.from(" ours"));
  appendFileSync(at.file, " theirs");
  await rejectsWith(handle.append(Buffer.from("more")), "changed");
  assert.equal(handle.fate, "failed");
  await handle.release("failed");
  const { generation, ended } = (await fileStore({ root: at.root }).stat(PATH)) ?? {};
  assert.deepEqual([generation, ended], [handle.generation, "failed"]);
});

claimTest("a discarded claim leaves what others have stored, and what it has appended", async (at) => {
  const { root } = at;
  const path = "new/a.txt";
  const unused = await handleOf(at, path);
  await unused.discard();
  assert.ok(!existsSync(join(root, "new")));
  assert.equal(recorded(at, path), undefined, "and its record is gone");
  const foreign = await handleOf(at, path);
  writeFileSync(join(root, path), "by another program");
  await foreign.discard();
  assert.ok(existsSync(join(root, path)));
  rmSync(join(root, path));
  const used = await handleOf(at, path);
  await used.append(Buffer.from("x"));
  await used.discard();
  assert.equal(readFileSync(join(root, path), "utf8"), "x");
  rmSync(join(root, path));
  const emptied = await handleOf(at, path);
  await emptied.append(Buffer.from("x"));
  truncateSync(join(root, path));
  await emptied.discard();
  assert.ok(existsSync(join(root, path)), "it may be that of another program by now");
});

claimTest("a claim that was taken over leaves the file and its record to their new owner", async (at) => {
  const { root, reserved, clock } = at;
  const theirs = join(root, "new.txt");
  for (const finish of [
    (handle: FileAppendHandle) => handle.discard(),
    (handle: AppendHandle) => handle.release("lost"),
  ]) {
    const handle = await handleOf(at, "new.txt");
    for (const key of readdirSync(reserved.claims)) {
      const folder = join(reserved.claims, key);
      for (const name of readdirSync(folder)) renameSync(join(folder, name), join(folder, `away-${name}`));
    }
    clock.nowMs += 5_000;
    const before = recorded(at, "new.txt");
    assert.equal(before?.appending, true);
    await finish(handle);
    assert.ok(existsSync(theirs));
    assert.deepEqual(recorded(at, "new.txt"), before);
    rmSync(reserved.claims, { recursive: true });
    rmSync(theirs);
  }
});

claimTest("a release that cannot be recorded frees the path", async (at) => {
  const { reserved } = at;
  const handle = await handleOf(at);
  await handle.append(Buffer.from(" after"));
  rmSync(reserved.streams, { recursive: true });
  writeFileSync(reserved.streams, "a file");
  await handle.release("complete");
  rmSync(reserved.streams);
  const next = await handleOf(at);
  await handle.release("failed");
  await rejectsWith(handleOf(at), "conflict");
  await next.release();
  if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(at.root), []);
});

claimTest(
  "a long append records how far it is, unless it was taken over",
  async (at) => {
    const handle = await handleOf(at);
    await handle.append(Buffer.from(" one"));
    at.t.mock.timers.tick(200);
    assert.deepEqual([recorded(at)?.size, recorded(at)?.appending], [10, true]);
    await handle.append(Buffer.from(" two"));
    takeOver(at);
    at.t.mock.timers.tick(2_000);
    assert.equal(recorded(at)?.size, 10);
    await handle.release();
  },
  { before: (t) => t.mock.timers.enable({ apis: ["setTimeout"] }) },
);

/** Records the paths of all that is flushed to the disk until the test ends. */
async function flushes(t: TestContext): Promise<Set<string>> {
  const flushed = new Set<string>();
  await beforeFlush(t, ({ fd }) => flushed.add(readlinkSync(`/proc/self/fd/${fd}`)));
  return flushed;
}

claimTest(
  "disk: what a claim finds or creates is on the disk before its first byte",
  async (at) => {
    const { root, file, t } = at;
    mkdirSync(join(root, "dir"));
    const flushed = await flushes(t);
    const claimed = async (path: string, durability: Durability, create: boolean): Promise<string[]> => {
      const store = fileStore({ root, durability });
      await store.stat(path);
      flushed.clear();
      const handle = await store.claim(path, { create });
      const found = [root, join(root, "dir"), join(root, path)].filter((name) => flushed.has(name));
      await handle.release();
      return found;
    };
    assert.deepEqual(await claimed("dir/a.txt", "os", true), []);
    assert.deepEqual(await claimed(PATH, "os", true), []);
    assert.deepEqual(await claimed("dir/b.txt", "disk", true), [root, join(root, "dir")]);
    assert.deepEqual(await claimed(PATH, "disk", false), [file]);
  },
  { skip: NO_DESCRIPTORS ?? false },
);

claimTest("disk: a change by another program is found before the bytes go to the journal", async (at) => {
  const store = fileStore({ root: at.root, durability: "disk" });
  const handle = await store.claim(PATH);
  assert.equal(await handle.append(Buffer.from(" one")), 10);
  truncateSync(at.file, 3);
  await rejectsWith(handle.append(Buffer.from(" two")), "changed");
  assert.equal(handle.offset, 10);
  const journal = join(at.root, ".httpfstream/journal");
  const kept = readdirSync(journal).map((name) => readFileSync(join(journal, name), "latin1"));
  assert.deepEqual([kept.join("").includes(" one"), kept.join("").includes(" two")], [true, false]);
  await handle.release("replaced");
  assert.equal(readFileSync(at.file, "utf8"), "bef");
});
