/** What readers learn of a content, and what they record of it. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { claimsFolder } from "../../src/stores/file/claims/entries.ts";
import { type LiveContent, liveContents } from "../../src/stores/file/records/live-contents.ts";
import { type Known, RecordReader } from "../../src/stores/file/records/record-reader.ts";
import type { StreamRecord } from "../../src/stores/file/records/stream-record.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { beforeFlush } from "../fixture/open-files.ts";
import { NAME, RecordRig } from "../fixture/record.ts";
import { until } from "../fixture/until.ts";

function readerOf({ root, records }: RecordRig, durable = false): RecordReader {
  return new RecordReader(root, reservedIn(root), records, durable);
}

/** What a reader learns of the file that is at the path now. */
async function look(rig: RecordRig, reader = readerOf(rig)): Promise<Known> {
  const opened = await open(rig.file);
  try {
    return await reader.of({ file: rig.file, opened });
  } finally {
    await opened.close();
  }
}

/** Puts another file in place of the one that is there. */
function replaceFile({ root, file }: RecordRig, text: string): void {
  writeFileSync(join(root, "new"), text);
  renameSync(join(root, "new"), file);
}

/** Marks the record, to see whether it is written again. */
function mark({ place }: RecordRig): () => boolean {
  utimesSync(place, 1, 1);
  return () => statSync(place).mtimeMs !== 1_000;
}

test("a content without a record gets one at the first look", async (t) => {
  const rig = await RecordRig.make(t, "plain");
  const { generation, ...rest } = await look(rig);
  assert.deepEqual(rest, { ended: "unknown" });
  assert.deepEqual(rig.known, { file: NAME, generation, size: 5 });
  const isWritten = mark(rig);
  assert.deepEqual(await look(rig), { generation, ended: "unknown" });
  assert.ok(!isWritten());
});

test("a known content is what its record says", async (t) => {
  const rig = await RecordRig.make(t, "known");
  const { generation } = rig.complete({ type: "text/x" });
  assert.deepEqual(await look(rig), { generation, ended: "complete", type: "text/x" });
  rig.complete({ generation, appending: true });
  assert.deepEqual(await look(rig), { generation, ended: "lost" });
});

test("bytes that were added by hand are recorded, unless an append may have begun", async (t) => {
  for (const [isRecorded, change, durable] of [
    [true, () => {}, false],
    [false, () => {}, true],
    [false, (rig: RecordRig) => void rig.complete({ appending: true }), false],
    [false, (rig: RecordRig) => mkdirSync(claimsFolder(reservedIn(rig.root), rig.file), { recursive: true }), false],
  ] as const) {
    const rig = await RecordRig.make(t, "known");
    rig.complete();
    change(rig);
    const before = rig.known;
    appendFileSync(rig.file, " and more");
    const { generation, ended } = await look(rig, readerOf(rig, durable));
    assert.equal(generation, before?.generation);
    assert.equal(ended, before?.appending ? "lost" : "complete");
    assert.deepEqual(rig.known, { ...before, ...(isRecorded && { size: 14 }) });
  }
});

test("other bytes are another content, of which only the type is kept", async (t) => {
  for (const change of [(file: string) => truncateSync(file, 4), (file: string) => writeFileSync(file, "KNOWN!")]) {
    const rig = await RecordRig.make(t, "known");
    const before = rig.complete({ type: "text/x" });
    change(rig.file);
    const { generation, ...rest } = await look(rig);
    assert.notEqual(generation, before.generation);
    assert.deepEqual(rest, { ended: "unknown", type: "text/x" });
    assert.deepEqual(rig.known, { file: NAME, generation, size: rig.size, type: "text/x" });
  }
});

test("a record that another process changes during the look counts", async (t) => {
  const rig = await RecordRig.make(t, "whole");
  const theirs = rig.complete();
  const { read } = rig.records;
  for (const stale of [undefined, { ...theirs, generation: "stale", digest: "d" }]) {
    rig.records.read = async () => {
      rig.records.read = read;
      return stale;
    };
    assert.deepEqual(await look(rig), { generation: theirs.generation, ended: "complete" });
    assert.equal(rig.known?.generation, theirs.generation);
  }
  rmSync(rig.place);
  const { createNow } = rig.records;
  rig.records.createNow = (record) => {
    rig.records.createNow = createNow;
    rig.complete({ generation: "theirs" });
    return createNow.call(rig.records, record);
  };
  assert.equal((await look(rig)).generation, "theirs");
});

test("if the record changes at every look, the last guess counts, and nothing is recorded", async (t) => {
  const rig = await RecordRig.make(t, "whole");
  rig.complete({ generation: "theirs" });
  let looks = 0;
  rig.records.read = async () => {
    looks++;
    return undefined;
  };
  assert.notEqual((await look(rig)).generation, "theirs");
  assert.equal(looks, 8);
  assert.equal(rig.known?.generation, "theirs");
});

test("at the level disk, a new record is flushed", async (t) => {
  const rig = await RecordRig.make(t, "plain");
  let flushes = 0;
  await beforeFlush(t, () => flushes++);
  await look(rig);
  await look(rig, readerOf(rig, true));
  assert.equal(flushes, 0, "there is a record");
  rmSync(rig.place);
  await look(rig, readerOf(rig, true));
  await until("the record and its name to be flushed", () => flushes === 2);
});

test("a file that has lost its name is not recorded under it", async (t) => {
  const rig = await RecordRig.make(t, "first");
  const opened = await open(rig.file);
  t.after(() => opened.close());
  replaceFile(rig, "something else");
  const before = rig.complete();
  const guess = await readerOf(rig).of({ file: rig.file, opened });
  assert.notEqual(guess.generation, before.generation);
  assert.equal(rig.known?.generation, before.generation);
  rmSync(rig.file);
  rmSync(rig.place);
  assert.equal((await readerOf(rig).of({ file: rig.file, opened })).ended, "unknown");
  assert.deepEqual(readdirSync(reservedIn(rig.root).streams), []);
});

/** A content that this process appends to until the test ends. */
function live(t: TestContext, rig: RecordRig, changes: Partial<LiveContent>): StreamRecord {
  const { size } = rig;
  const proof: StreamRecord = { file: NAME, generation: "live", size, digest: rig.digest(size), appending: true };
  const known = { generation: "live", type: undefined, stream: undefined, isOurs: true };
  liveContents.set(rig.file, { ...known, covers: () => true, proof: () => proof, ...changes });
  t.after(() => liveContents.delete(rig.file));
  return proof;
}

test("a content that this process appends to is known without its record", async (t) => {
  const rig = await RecordRig.make(t, "whole");
  live(t, rig, { covers: ({ size }) => size === 5 });
  assert.deepEqual(await look(rig), { generation: "live" });
  live(t, rig, { type: "text/x" });
  assert.deepEqual(await look(rig), { generation: "live", type: "text/x" });
  assert.equal(rig.known, undefined);
});

test("if its file was replaced, what this process has appended tells whether the content is the same", async (t) => {
  const covers = (): boolean => false;
  const rig = await RecordRig.make(t, "whole");
  live(t, rig, { covers });
  // A copy, as after a takeover; no record tells of it.
  replaceFile(rig, "whole and more");
  assert.deepEqual(await look(rig), { generation: "live", ended: "lost" });
  assert.deepEqual(rig.known?.generation, "live");
  rig.records.writeNow({ file: NAME, generation: "live", size: 0, digest: "" });
  replaceFile(rig, "other bytes");
  const { generation } = await look(rig);
  assert.notEqual(generation, "live", "by its record alone, it would be the same");
  assert.equal((await look(rig)).generation, generation, "a record of another content counts");
});

test("what this process has appended proves nothing once another one has taken the path over", async (t) => {
  const rig = await RecordRig.make(t, "whole");
  live(t, rig, { covers: () => false, isOurs: false });
  rig.records.writeNow({ file: NAME, generation: "live", size: 0, digest: "" });
  replaceFile(rig, "other bytes");
  assert.equal((await look(rig)).generation, "live");
});

test("a file that is replaced while it is opened is opened again, but not without end", async (t) => {
  for (const [replaced, opens] of [
    [0, 1],
    [1, 2],
    [7, 8],
    [100, 8],
  ] as const) {
    const rig = await RecordRig.make(t, "text");
    let count = 0;
    const handles: FileHandle[] = [];
    const { opened, stats, known } = await readerOf(rig).at(rig.file, async () => {
      const handle = await open(rig.file);
      handles.push(handle);
      if (count++ < replaced) replaceFile(rig, `text ${count}`);
      return handle;
    });
    assert.equal(count, opens);
    assert.equal(opened, handles.at(-1));
    assert.equal(stats.ino, (await opened.stat()).ino);
    assert.ok(known.generation);
    for (const handle of handles.slice(0, -1)) assert.equal(handle.fd, -1, "it is closed");
    await opened.close();
  }
});

test("a file that cannot be judged is closed", async (t) => {
  const rig = await RecordRig.make(t, "text");
  const before = openFiles(rig.root).length;
  // This descriptor is not for reading.
  await assert.rejects(
    readerOf(rig).at(rig.file, () => open(rig.file, "a")),
    { code: "EBADF" },
  );
  if (NO_DESCRIPTORS === undefined) assert.equal(openFiles(rig.root).length, before);
});
