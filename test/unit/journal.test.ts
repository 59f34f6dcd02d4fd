/** The journal of a process: when it begins a segment, when it removes one, and what it does about failures. */
import assert from "node:assert/strict";
import { fstatSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { DiskFile, identityOf } from "../../src/stores/file/journal/disk-file.ts";
import { Journal } from "../../src/stores/file/journal/journal.ts";
import { FULL_MS } from "../../src/stores/file/journal/segment.ts";
import { entryOf, gate, type JournaledFile, JournalRig } from "../fixture/journal.ts";
import { beforeFlush, systemError } from "../fixture/open-files.ts";
import { until } from "../fixture/until.ts";

interface Parts {
  readonly rig: JournalRig;
  readonly journal: Journal;
  readonly one: JournaledFile;
  readonly other: JournaledFile;
}

async function parts(t: TestContext): Promise<Parts> {
  // However slow the machine is, no segment is full by its age.
  t.mock.method(performance, "now", () => 0);
  const rig = await JournalRig.make(t);
  const journal = new Journal(rig.root, rig.reserved, rig.owner);
  t.after(() => journal.retire());
  return { rig, journal, one: await rig.file(t, "one.bin"), other: await rig.file(t, "other.bin") };
}

/** How often each file is flushed from now on. The flushes of those in `failing` fail. */
async function flushesOf(t: TestContext, failing: Set<JournaledFile> = new Set()): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  await beforeFlush(t, ({ fd }) => {
    const { ino } = fstatSync(fd);
    counts.set(ino, 1 + (counts.get(ino) ?? 0));
    if ([...failing].some(({ path }) => statSync(path).ino === ino)) throw systemError("EIO");
  });
  return counts;
}

function countOf({ path }: JournaledFile, counts: Map<number, number>): number {
  return counts.get(statSync(path).ino) ?? 0;
}

test("groups share a segment, which is removed once all its files are settled", async (t) => {
  const { rig, journal, one, other } = await parts(t);
  await journal.keep([entryOf(one, 0, "a"), entryOf(other, 0, "b")]);
  await journal.keep([entryOf(one, 1, "c")]);
  assert.deepEqual(rig.kept(), [["one.bin 0 a", "other.bin 0 b", "one.bin 1 c"]]);
  const counts = await flushesOf(t);
  await journal.settle(one.disk);
  assert.equal(rig.names().length, 1, "it has bytes of the other file");
  assert.deepEqual([countOf(one, counts), countOf(other, counts)], [1, 0]);
  await journal.settle(one.disk);
  assert.equal(countOf(one, counts), 1, "nothing has come since");
  await journal.settle(other.disk);
  assert.deepEqual([countOf(one, counts), countOf(other, counts)], [1, 1]);
  assert.deepEqual(rig.names(), []);
  await journal.keep([entryOf(one, 2, "d")]);
  assert.deepEqual(rig.kept(), [["one.bin 2 d"]]);
});

test("a journal without a segment has nothing to retire or to settle", async (t) => {
  const { journal, one } = await parts(t);
  const counts = await flushesOf(t);
  await journal.retire();
  await journal.settle(one.disk);
  assert.equal(counts.size, 0);
});

test("a retired segment has its files flushed, and the next bytes go into a new one", async (t) => {
  const { rig, journal, one } = await parts(t);
  const written = gate();
  await journal.keep([entryOf(one, 0, "a", () => written.promise)]);
  const counts = await flushesOf(t);
  const events: string[] = [];
  const retired = Promise.all([
    journal.retire().then(() => events.push("retired")),
    journal.retire().then(() => events.push("again")),
  ]);
  await journal.keep([entryOf(one, 1, "b")]);
  assert.deepEqual(events, [], "there are bytes on their way");
  assert.equal(rig.names().length, 2);
  written.open();
  await retired;
  assert.deepEqual(events, ["retired", "again"]);
  assert.equal(countOf(one, counts), 1);
  assert.deepEqual(rig.kept(), [["one.bin 1 b"]]);
});

test("two segments that are retired one after the other are both waited for", async (t) => {
  const { rig, journal, one, other } = await parts(t);
  const written = gate();
  await journal.keep([entryOf(one, 0, "a", () => written.promise)]);
  const first = journal.retire();
  await journal.keep([entryOf(other, 0, "b")]);
  let isOver = false;
  const second = journal.retire().then(() => {
    isOver = true;
  });
  await until("the second segment to go", () => rig.names().length === 1);
  assert.ok(!isOver);
  written.open();
  await Promise.all([first, second]);
  assert.deepEqual(rig.names(), []);
});

test("a full segment is retired at once", async (t) => {
  const { rig, journal, one, other } = await parts(t);
  await journal.keep([entryOf(one, 0, new Uint8Array(32 * 1024 * 1024))]);
  await journal.keep([entryOf(other, 0, "b")]);
  await until("the full segment to go", () => rig.names().length === 1);
  assert.deepEqual(rig.kept(), [["other.bin 0 b"]]);
});

test("a segment is retired five seconds after its beginning; the clock of the next one starts anew", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { rig, journal, one, other } = await parts(t);
  await journal.keep([entryOf(one, 0, "a")]);
  t.mock.timers.tick(FULL_MS - 1);
  await journal.keep([entryOf(one, 1, "b")]);
  assert.deepEqual(rig.kept(), [["one.bin 0 a", "one.bin 1 b"]]);
  t.mock.timers.tick(1);
  await journal.keep([entryOf(one, 2, "c")]);
  const segment = rig.kept().find((kept) => kept.includes("one.bin 2 c"));
  assert.deepEqual(segment, ["one.bin 2 c"], "it is in a segment of its own");
  await journal.retire();
  assert.deepEqual(rig.names(), []);
  await journal.keep([entryOf(other, 0, "c")]);
  await journal.settle(other.disk);
  await journal.keep([entryOf(other, 1, "d")]);
  t.mock.timers.tick(FULL_MS - 1);
  assert.deepEqual(rig.kept(), [["other.bin 1 d"]], "no timer of a removed segment is left");
  await journal.settle(other.disk);
});

test("if the segment fails, its files are flushed, and the bytes go into a new one", async (t) => {
  const { rig, journal, one, other } = await parts(t);
  await journal.keep([entryOf(one, 0, "a")]);
  const [name = ""] = rig.names();
  rmSync(join(rig.reserved.journal, name));
  const counts = await flushesOf(t);
  await journal.keep([entryOf(other, 0, "b")]);
  assert.equal(countOf(one, counts), 1);
  assert.deepEqual(rig.kept(), [["other.bin 0 b"]]);
});

test("a failure of the first segment, or of the new one, is reported", async (t) => {
  const { rig, journal, one } = await parts(t);
  let failures = 1;
  await beforeFlush(t, () => {
    if (failures-- > 0) throw systemError("ENOSPC");
  });
  await assert.rejects(journal.keep([entryOf(one, 0, "a", assert.fail)]), { code: "ENOSPC" });
  assert.deepEqual(rig.names(), []);
  await journal.keep([entryOf(one, 0, "b")]);
  failures = 3; // The segment, the file as its segment is retired, and the new segment.
  await assert.rejects(journal.keep([entryOf(one, 1, "c", assert.fail)]), { code: "ENOSPC" });
  failures = 0;
  await journal.keep([entryOf(one, 1, "d")]);
  assert.ok(rig.kept().flat().includes("one.bin 1 d"));
});

test("a file that could not be flushed is flushed when it is settled", async (t) => {
  const { rig, journal, one, other } = await parts(t);
  await journal.keep([entryOf(one, 0, "a"), entryOf(other, 0, "b")]);
  const failing = new Set([one]);
  const counts = await flushesOf(t, failing);
  await journal.retire();
  assert.deepEqual([countOf(one, counts), countOf(other, counts)], [1, 1]);
  await assert.rejects(journal.settle(one.disk), { code: "EIO" });
  failing.clear();
  await journal.settle(one.disk);
  assert.equal(countOf(one, counts), 3);
  await journal.settle(one.disk);
  await journal.settle(other.disk);
  assert.deepEqual([countOf(one, counts), countOf(other, counts)], [3, 1]);
  assert.equal(rig.names().length, 1, "the segment stays for the recovery");
});

test("flushes of a file do not overlap, each follows a failed one, and closing waits for them", async (t) => {
  const { one } = await parts(t);
  const gates = [gate(), gate()];
  const events: string[] = [];
  one.opened.datasync = async () => {
    const at = events.filter((event) => event.startsWith("begin")).length;
    events.push(`begin ${at}`);
    await gates[at]?.promise;
    events.push(`end ${at}`);
  };
  const first = one.disk.flush();
  const second = one.disk.flush();
  const closed = one.disk.close().then(() => events.push("closed"));
  await until("the first flush", () => events.length === 1);
  gates[0]?.fail(new Error("no disk"));
  await assert.rejects(first, /no disk/);
  await until("the second flush", () => events.length === 2);
  gates[1]?.open();
  await second;
  await closed;
  assert.deepEqual(events, ["begin 0", "begin 1", "end 1", "closed"]);
  assert.throws(() => fstatSync(one.opened.fd), "it is closed");
});

test("a file is identified by its name, inode and time of birth", async (t) => {
  const { one } = await parts(t);
  const found = statSync(one.path);
  const { ino: inode, birthtimeMs: bornMs } = found;
  assert.deepEqual(identityOf("one.bin", found), { name: "one.bin", inode, bornMs });
  assert.deepEqual(new DiskFile(one.opened, "x", found).identity, { name: "x", inode, bornMs });
});

test("with a file, the log of its stream is flushed, and before it", async (t) => {
  const { one } = await parts(t);
  const events: string[] = [];
  const logged = gate();
  one.opened.datasync = async () => void events.push("file");
  const flushLog = (): Promise<void> => {
    events.push("log");
    return logged.promise;
  };
  const disk = new DiskFile(one.opened, "one.bin", statSync(one.path), flushLog);
  const flushed = disk.flush();
  await until("the flush of the log", () => events.length > 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(events, ["log"]);
  logged.open();
  await flushed;
  assert.deepEqual(events, ["log", "file"]);
});
