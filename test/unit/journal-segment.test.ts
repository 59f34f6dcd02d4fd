/** A segment of the journal: what is on the disk before what, when it is full, and when it may go. */
import assert from "node:assert/strict";
import { fstatSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { decodeSegment, encodeRecord } from "../../src/stores/file/journal/record.ts";
import { FULL_MS, Segment } from "../../src/stores/file/journal/segment.ts";
import { entryOf, gate, JournalRig } from "../fixture/journal.ts";
import { beforeFlush, systemError } from "../fixture/open-files.ts";

const FULL_BYTES = 32 * 1024 * 1024;

async function begin(t: TestContext, { root, reserved, owner }: JournalRig): Promise<Segment> {
  const segment = await Segment.begin(root, reserved, owner.record);
  t.after(() => segment.retire());
  return segment;
}

/** The order of a segment, which is the end of its name. */
function orderOf(name: string): number {
  return Number(name.slice(name.lastIndexOf("_") + 1));
}

/** The inodes of what is flushed from now on. */
async function flushes(t: TestContext): Promise<number[]> {
  const inodes: number[] = [];
  await beforeFlush(t, ({ fd }) => inodes.push(fstatSync(fd).ino));
  return inodes;
}

test("a new segment has its owner, and the names of all folders up to the root are flushed", async (t) => {
  const rig = await JournalRig.make(t);
  const flushed = await flushes(t);
  await begin(t, rig);
  const { journal } = rig.reserved;
  assert.deepEqual(
    flushed,
    [journal, dirname(journal), rig.root].map((folder) => statSync(folder).ino),
  );
  const [name = ""] = rig.names();
  assert.deepEqual(decodeSegment(readFileSync(join(journal, name)))?.owner, rig.owner.record);
});

test("a segment that cannot be begun leaves nothing behind", async (t) => {
  const rig = await JournalRig.make(t);
  await beforeFlush(t, () => {
    throw systemError("EIO");
  });
  await assert.rejects(begin(t, rig), { code: "EIO" });
  assert.deepEqual(rig.names(), []);
});

test("later segments have a greater order, whatever the clock says", async (t) => {
  const rig = await JournalRig.make(t);
  t.mock.method(Date, "now", () => 4_000_000_000_000);
  const first = await begin(t, rig);
  assert.deepEqual(rig.names().map(orderOf), [4_000_000_000_000]);
  const second = await begin(t, rig);
  assert.deepEqual(rig.names().map(orderOf).sort(), [4_000_000_000_000, 4_000_000_000_001]);
  for (const segment of [first, second]) await segment.retire();
  await begin(t, rig);
  assert.deepEqual(rig.names().map(orderOf), [4_000_000_000_002], "also if the earlier ones have gone");
  t.mock.method(Date, "now", () => 1_000);
  await begin(t, rig);
  assert.deepEqual(rig.names().map(orderOf).sort().at(-1), 4_000_000_000_003);
  t.mock.method(Date, "now", () => 4_000_000_000_100);
  await begin(t, rig);
  assert.deepEqual(rig.names().map(orderOf).sort().at(-1), 4_000_000_000_100);
});

test("a segment has a greater order than all others in the folder, of any process", async (t) => {
  const rig = await JournalRig.make(t);
  await begin(t, rig);
  for (const name of ["1_2_3_6000000000000", "1_9000000000000_x", "garbage", "1_2_3_5900000000000"]) {
    writeFileSync(join(rig.reserved.journal, name), "");
  }
  const before = rig.names();
  const segment = await begin(t, rig);
  const [name = ""] = rig.names().filter((each) => !before.includes(each));
  assert.equal(orderOf(name), 6_000_000_000_001);
  await segment.keep([entryOf(await rig.file(t, "a.bin"), 0, "x")]);
  const content = decodeSegment(readFileSync(join(rig.reserved.journal, name)));
  assert.equal(content?.records[0]?.keptMs, 6_000_000_000_001);
});

test("bytes are on the disk before they are written, and keep does not wait for the writes", async (t) => {
  const rig = await JournalRig.make(t);
  const [one, other] = [await rig.file(t, "a.bin"), await rig.file(t, "b.bin")];
  const segment = await begin(t, rig);
  const events: unknown[] = [];
  await beforeFlush(t, () => events.push(...rig.kept()));
  const written = gate();
  await segment.keep([
    entryOf(one, 3, "one", async () => void events.push("write one")),
    entryOf(other, 4, "other", () => {
      events.push("write other");
      return written.promise;
    }),
  ]);
  assert.deepEqual(events, [["a.bin 3 one", "b.bin 4 other"], "write one", "write other"]);
  assert.deepEqual([segment.has(one.disk), segment.has(other.disk)], [true, true]);
  written.open();
});

test("bytes that cannot be flushed are not written, nor those of a segment that was removed", async (t) => {
  const rig = await JournalRig.make(t);
  const file = await rig.file(t, "a.bin");
  const segment = await begin(t, rig);
  let failures = 1;
  await beforeFlush(t, () => {
    if (failures-- > 0) throw systemError("EIO");
  });
  await assert.rejects(segment.keep([entryOf(file, 0, "x", assert.fail)]), { code: "EIO" });
  for (const name of rig.names()) rmSync(join(rig.reserved.journal, name));
  await assert.rejects(segment.keep([entryOf(file, 0, "x", assert.fail)]), /removed/);
});

test("a segment is full at 32 MiB, including the lines of its records", async (t) => {
  t.mock.method(performance, "now", () => 0);
  const rig = await JournalRig.make(t);
  const file = await rig.file(t, "a.bin");
  const segment = await begin(t, rig);
  const keptMs = orderOf(String(rig.names()));
  const linesOf = (length: number): number => {
    const [line] = encodeRecord({ file: file.disk.identity, offset: 0, bytes: new Uint8Array(length), keptMs });
    return line?.length ?? 0;
  };
  const length = FULL_BYTES - linesOf(FULL_BYTES) - linesOf(1) - 1;
  await segment.keep([entryOf(file, 0, new Uint8Array(length))]);
  assert.ok(!segment.isFull);
  await segment.keep([entryOf(file, 0, "x")]);
  assert.ok(segment.isFull);
});

test("a segment is full after five seconds", async (t) => {
  const rig = await JournalRig.make(t);
  let nowMs = 7_000;
  t.mock.method(performance, "now", () => nowMs);
  const segment = await begin(t, rig);
  nowMs += FULL_MS - 1;
  assert.ok(!segment.isFull);
  nowMs += 1;
  assert.ok(segment.isFull);
});

test("a retired segment waits for what is on its way, flushes the files, and is removed", async (t) => {
  const rig = await JournalRig.make(t);
  const [one, other] = [await rig.file(t, "a.bin"), await rig.file(t, "b.bin")];
  const segment = await begin(t, rig);
  const [first, second] = [gate(), gate()];
  await segment.keep([entryOf(one, 0, "x", () => first.promise)]);
  const flushed = await flushes(t);
  // The second append is still on its way into the segment.
  const kept = segment.keep([entryOf(other, 0, "y", () => second.promise)]);
  const retired = segment.retire().then(() => flushed.push(-1));
  await kept;
  first.fail(new Error("the write failed"));
  await first.promise.catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(flushed.length, 1, "only the segment was flushed");
  assert.ok(!segment.isFlushed);
  second.open();
  await retired;
  assert.deepEqual(flushed.slice(1), [statSync(one.path).ino, statSync(other.path).ino, -1]);
  assert.ok(segment.isFlushed);
  assert.deepEqual(rig.names(), []);
});

test("if a file cannot be flushed, the segment stays for the recovery, and has only that file", async (t) => {
  const rig = await JournalRig.make(t);
  const files = [await rig.file(t, "a.bin"), await rig.file(t, "b.bin"), await rig.file(t, "c.bin")] as const;
  const segment = await begin(t, rig);
  await segment.keep(files.map((file) => entryOf(file, 0, "x")));
  segment.forget(files[2].disk);
  const [{ ino }, forgotten] = [statSync(files[0].path), statSync(files[2].path)];
  const flushed: number[] = [];
  await beforeFlush(t, ({ fd }) => {
    flushed.push(fstatSync(fd).ino);
    if (flushed.at(-1) === ino) throw systemError("EIO");
  });
  await segment.retire();
  assert.ok(!flushed.includes(forgotten.ino), "a file that was flushed is not flushed again");
  assert.deepEqual(
    files.map(({ disk }) => segment.has(disk)),
    [true, false, false],
  );
  assert.ok(!segment.isFlushed);
  assert.equal(readdirSync(rig.reserved.journal).length, 1);
});

test("a retired segment that was removed meanwhile, or has been retired before, does no harm", async (t) => {
  const rig = await JournalRig.make(t);
  const segment = await begin(t, rig);
  rmSync(rig.reserved.journal, { recursive: true });
  await segment.retire();
  await segment.retire();
});
