/** The record of a path while it is appended to: which content it is, its beginning, and its checkpoints. */
import assert from "node:assert/strict";
import { appendFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { test } from "node:test";
import type { StreamRecord } from "../../src/stores/file/records/stream-record.ts";
import { beforeFlush, systemError } from "../fixture/open-files.ts";
import { NAME, RecordRig, usurp } from "../fixture/record.ts";

test("a content without a record gets one, which says that an append has begun", async (t) => {
  const rig = await RecordRig.make(t, "plain");
  await beforeFlush(t, () => assert.fail("only what must be durable is flushed"));
  const content = await rig.open({ type: "text/x" });
  const { generation } = content;
  assert.equal(content.type, "text/x");
  assert.deepEqual(rig.known, { file: NAME, generation, size: 5, type: "text/x", appending: true });
  utimesSync(rig.place, 1, 1);
  assert.equal(content.begin(5), undefined, "that is recorded already");
  assert.equal(statSync(rig.place).mtimeMs, 1_000);
});

test("a known content keeps its generation and type; its record changes with the first byte", async (t) => {
  const rig = await RecordRig.make(t, "known");
  const { generation } = rig.complete({ type: "text/x-first" });
  appendFileSync(rig.file, " and grown");
  const content = await rig.open({ type: "text/x-second" });
  assert.deepEqual([content.generation, content.type], [generation, "text/x-first"]);
  assert.equal(rig.known?.ended, "complete");
  assert.equal(content.begin(15), undefined);
  assert.deepEqual(rig.known, { file: NAME, generation, size: 15, appending: true, type: "text/x-first" });
  utimesSync(rig.place, 1, 1);
  assert.equal(content.begin(15), undefined);
  assert.equal(statSync(rig.place).mtimeMs, 1_000, "it is recorded once");
});

test("the first type counts for a known content, too", async (t) => {
  const rig = await RecordRig.make(t, "known");
  rig.complete();
  const content = await rig.open({ type: "text/x" });
  assert.equal(content.type, "text/x");
  content.begin(5);
  assert.equal(rig.known?.type, "text/x");
  assert.equal((await rig.open()).type, "text/x");
});

test("another content gets another generation, and keeps the type of the path", async (t) => {
  const rig = await RecordRig.make(t, "other");
  const known = rig.complete({ digest: "d", type: "text/x" });
  const content = await rig.open();
  assert.notEqual(content.generation, known.generation);
  const { generation } = content;
  assert.deepEqual(rig.known, { file: NAME, generation, size: 5, type: "text/x", appending: true });
});

test("a file that cannot be read is known by its size", async (t) => {
  const rig = await RecordRig.make(t, "known");
  const known = rig.complete();
  const content = await rig.open({ readable: false });
  assert.equal(content.generation, known.generation);
  content.begin(5);
  assert.equal(rig.records.readNow(NAME)?.digest, "");
});

test("the record of a removed file says nothing about a new one, unless a reader has made it since", async (t) => {
  const rig = await RecordRig.make(t);
  const former = rig.complete({ type: "text/x" });
  const content = await rig.open({ isNew: true, former });
  assert.notEqual(content.generation, former.generation);
  assert.equal(content.type, undefined);
  const seen = rig.complete();
  assert.equal((await rig.open({ isNew: true, former })).generation, seen.generation);
  assert.equal((await rig.open({ isNew: true })).generation, seen.generation);
  assert.equal((await rig.open({ former: seen })).generation, seen.generation, "the file was not made by this claim");
});

test("a record that appears during the look counts", async (t) => {
  const rig = await RecordRig.make(t, "plain");
  const { createNow } = rig.records;
  let theirs: StreamRecord | undefined;
  rig.records.createNow = (record) => {
    theirs ??= rig.complete();
    return createNow.call(rig.records, record);
  };
  assert.equal((await rig.open()).generation, theirs?.generation);
});

test("a durable record is flushed before it counts, and does not change if the path is not ours", async (t) => {
  const rig = await RecordRig.make(t, "plain");
  let flushes = 0;
  await beforeFlush(t, () => flushes++);
  const isOurs = t.mock.fn(() => false);
  const content = await rig.open({ durable: true, isOurs });
  assert.equal(flushes, 2, "the record and its name");
  await content.end("complete", 5);
  assert.equal(flushes, 3);
  assert.equal(rig.known?.ended, "complete");
  const again = await rig.open({ durable: true, isOurs });
  const begun = again.begin(5);
  assert.ok(begun instanceof Promise);
  await begun;
  assert.equal(again.begin(5), undefined);
  assert.equal(rig.known?.appending, true);
  assert.equal(flushes, 4);
  // A record of another length is not overwritten, so another process may come in between.
  rmSync(rig.place);
  await again.end("complete", 5);
  assert.equal(rig.known, undefined);
  assert.equal(isOurs.mock.callCount(), 1);
});

test("a beginning that could not be flushed is recorded with the next append", async (t) => {
  const rig = await RecordRig.make(t, "known");
  rig.complete();
  const content = await rig.open({ durable: true });
  let [flushes, isBroken] = [0, true];
  await beforeFlush(t, () => {
    flushes++;
    if (isBroken) throw systemError("EIO");
  });
  await assert.rejects(async () => await content.begin(5), { code: "EIO" });
  isBroken = false;
  await content.begin(5);
  assert.deepEqual([flushes, rig.known?.appending], [2, true]);
  assert.equal(content.begin(5), undefined);
});

test("checkpoints say how far the append has come: soon for the first time, then from time to time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const rig = await RecordRig.make(t, "0123456789");
  const content = await rig.open();
  let offset: number | undefined = 1;
  const progressed = (): void => content.progressed(() => offset);
  progressed();
  progressed();
  t.mock.timers.tick(199);
  assert.equal(rig.known?.size, 10);
  offset = 2;
  t.mock.timers.tick(1);
  assert.deepEqual([rig.known?.size, rig.known?.appending, rig.known?.ended], [2, true, undefined]);
  offset = 3;
  t.mock.timers.tick(10_000);
  assert.equal(rig.known?.size, 2, "nothing has come since");
  progressed();
  t.mock.timers.tick(1_999);
  assert.equal(rig.known?.size, 2);
  t.mock.timers.tick(1);
  assert.equal(rig.known?.size, 3);
  offset = undefined;
  progressed();
  t.mock.timers.tick(2_000);
  assert.equal(rig.known?.size, 3, "another process has taken the path over");
  content.progressed(() => {
    throw new Error("it is gone");
  });
  t.mock.timers.tick(2_000);
  offset = 5;
  progressed();
  t.mock.timers.tick(2_000);
  assert.equal(rig.known?.size, 5, "a failure does not end the checkpoints");
  const theirs = usurp(rig);
  progressed();
  t.mock.timers.tick(2_000);
  assert.equal(rig.records.readNow(NAME)?.generation, theirs.generation);
});

test("there are no checkpoints after the end, nor of what is durable anyway", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const rig = await RecordRig.make(t, "0123456789");
  const content = await rig.open();
  content.progressed(() => 1);
  content.stop();
  content.progressed(() => 2);
  const ended = await rig.open();
  ended.stop();
  ended.progressed(() => 3);
  const durable = await rig.open({ durable: true });
  durable.progressed(() => 4);
  t.mock.timers.tick(10_000);
  assert.equal(rig.known?.size, 10);
});
