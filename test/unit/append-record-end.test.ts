/** The record of a path when an append to it ends, in whatever way. */
import assert from "node:assert/strict";
import { existsSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatRecord, type StreamRecord } from "../../src/stores/file/records/stream-record.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { NAME, RecordRig, usurp } from "../fixture/record.ts";

test("an end is recorded once, and again if the record has gone", async (t) => {
  const rig = await RecordRig.make(t, "whole");
  const content = await rig.open();
  await content.end("complete", 5);
  const { generation } = content;
  assert.deepEqual(rig.known, { file: NAME, generation, size: 5, ended: "complete" });
  utimesSync(rig.place, 1, 1);
  await content.end("complete", 5);
  assert.equal(statSync(rig.place).mtimeMs, 1_000);
  await content.end("complete", 4);
  assert.equal(rig.known?.size, 4);
  await content.end("failed", 4);
  assert.equal(rig.known?.ended, "failed");
  rmSync(rig.place);
  await content.end("failed", 4);
  assert.equal(rig.known?.ended, "failed");
  await content.end("restarting", 5);
  assert.deepEqual(rig.known, { file: NAME, generation, size: 5, appending: true }, "it goes on elsewhere, or is lost");
  utimesSync(rig.place, 1, 1);
  await content.end("complete", 5);
  assert.deepEqual([rig.known?.ended, rig.known?.appending], ["complete", undefined]);
});

test("nothing is recorded over a record of another content", async (t) => {
  const rig = await RecordRig.make(t, "whole");
  const content = await rig.open();
  const theirs = usurp(rig);
  await content.end("complete", 5);
  await content.undo();
  await content.replaced("deleted");
  await content.replaced("replaced");
  rmSync(rig.file);
  content.forget();
  assert.deepEqual(rig.records.readNow(NAME), theirs);
});

test("an append without a byte leaves the record as it was", async (t) => {
  const rig = await RecordRig.make(t, "plain");
  const first = await rig.open();
  await first.undo();
  assert.deepEqual(rig.known, { file: NAME, generation: first.generation, size: 5 });
  const second = await rig.open();
  utimesSync(rig.place, 1, 1);
  await second.undo();
  assert.equal(statSync(rig.place).mtimeMs, 1_000, "nothing has begun");
  second.begin(5);
  await second.undo();
  assert.deepEqual(rig.known, { file: NAME, generation: first.generation, size: 5 });
  // The append of a process that has died is still lost.
  rig.complete({ appending: true });
  const lost = await rig.open();
  utimesSync(rig.place, 1, 1);
  await lost.undo();
  assert.equal(statSync(rig.place).mtimeMs, 1_000);
});

test("a durable record is restored, too, if nothing was appended", async (t) => {
  const rig = await RecordRig.make(t, "known");
  rig.complete();
  const content = await rig.open({ durable: true });
  await content.begin(5);
  assert.equal(rig.known?.appending, true);
  await content.undo();
  assert.deepEqual([rig.known?.appending, rig.known?.ended], [undefined, "complete"]);
});

test("the record of a file that was made for nothing goes with it, and not before", async (t) => {
  const rig = await RecordRig.make(t);
  const content = await rig.open({ isNew: true });
  content.forget();
  assert.ok(existsSync(rig.place));
  rmSync(rig.file);
  content.forget();
  assert.ok(!existsSync(rig.place));
});

test("a content that is gone leaves no record, one that was replaced makes way for the other", async (t) => {
  const rig = await RecordRig.make(t, "whole");
  const content = await rig.open({ type: "text/x" });
  writeFileSync(join(rig.root, "other"), "something else");
  renameSync(join(rig.root, "other"), rig.file);
  await content.replaced("replaced");
  const { digest: _, generation, ...rest } = rig.records.readNow(NAME) as StreamRecord;
  assert.notEqual(generation, content.generation);
  assert.deepEqual(rest, { file: NAME, size: 14, ended: "replaced", type: "text/x" });
  for (const fate of ["deleted", "replaced"] as const) {
    const next = await rig.open();
    if (fate === "replaced") rmSync(rig.file);
    await next.replaced(fate);
    assert.ok(!existsSync(rig.place), fate);
  }
  if (NO_DESCRIPTORS === undefined) {
    assert.deepEqual(openFiles(rig.root), [`${rig.file} (deleted)`], "only the rig has its file open");
  }
});

test("a proof tells of the bytes up to an offset, and changes nothing", async (t) => {
  const rig = await RecordRig.make(t, "whole");
  const content = await rig.open();
  const before = formatRecord(rig.records.readNow(NAME) as StreamRecord);
  const { generation } = content;
  const digest = rig.digest(3);
  assert.deepEqual(content.proofAt(3), { file: NAME, generation, size: 3, digest, appending: true });
  assert.equal(formatRecord(rig.records.readNow(NAME) as StreamRecord), before);
});
