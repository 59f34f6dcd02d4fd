/** Group commit: appends that arrive during a flush share the next one, up to a size. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ownerOf } from "../../src/stores/file/claims/owner.ts";
import { DiskFile } from "../../src/stores/file/journal/disk-file.ts";
import { GroupCommit } from "../../src/stores/file/journal/group-commit.ts";
import { Journal } from "../../src/stores/file/journal/journal.ts";
import type { Entry } from "../../src/stores/file/journal/segment.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const MIB = 1024 * 1024;

let root: string;
let opened: FileHandle;
let file: DiskFile;
before(async () => {
  root = await temporaryFolder("group-commit");
  opened = await open(join(root, "a.bin"), "wx+");
  file = new DiskFile(opened, "a.bin", statSync(join(root, "a.bin")));
});
after(async () => {
  await opened.close();
  await removeFolder(root);
});

/** A journal that keeps nothing: the test decides when it is done with a group. */
class HeldJournal extends Journal {
  /** The offsets of the entries of each group. */
  readonly groups: number[][] = [];
  readonly settled: DiskFile[] = [];
  retired = 0;
  #end: ((error?: Error) => void) | undefined;

  constructor() {
    const reserved = reservedIn(root);
    super(root, reserved, ownerOf(root, reserved));
  }

  /** Ends the current group, and waits for its beginning first. */
  async end(error?: Error): Promise<void> {
    const end = await until("a group", () => this.#end);
    this.#end = undefined;
    end(error);
  }

  override async keep(entries: readonly Entry[]): Promise<void> {
    assert.equal(this.#end, undefined, "two groups at once");
    this.groups.push(entries.map(({ offset }) => offset));
    await new Promise<void>((resolve, reject) => {
      this.#end = (error) => (error ? reject(error) : resolve());
    });
    for (const { write } of entries) void write().catch(() => {});
  }

  override async settle(settled: DiskFile): Promise<void> {
    this.settled.push(settled);
  }

  override async retire(): Promise<void> {
    this.retired++;
  }
}

/** An append of `length` bytes. Its offset is a number by which the test knows it. */
function entry(offset: number, length = 1, write: () => Promise<void> = async () => {}): Entry {
  return { file, offset, bytes: new Uint8Array(length), write };
}

test("appends of one turn share a group, and those that arrive meanwhile share the next one", async () => {
  const journal = new HeldJournal();
  const commit = new GroupCommit(journal);
  const first = [1, 2, 3].map((at) => commit.store(entry(at)));
  await until("the first group", () => journal.groups.length === 1);
  const second = [4, 5].map((at) => commit.store(entry(at)));
  await journal.end();
  await Promise.all(first);
  await journal.end();
  await Promise.all(second);
  const third = commit.store(entry(6));
  await journal.end();
  await third;
  assert.deepEqual(journal.groups, [[1, 2, 3], [4, 5], [6]]);
  assert.equal(journal.retired, 0);
});

test("a group takes no more appends once it has 4 MiB, and has at least one", async () => {
  const journal = new HeldJournal();
  const commit = new GroupCommit(journal);
  const sizes = [4 * MIB, 1, 4 * MIB - 2, 1, 9 * MIB, 3 * MIB, 3 * MIB, 0];
  const stored = Promise.all(sizes.map((size, at) => commit.store(entry(at, size))));
  for (let count = 0; count < 5; count++) await journal.end();
  await stored;
  assert.deepEqual(journal.groups, [[0], [1, 2, 3], [4], [5, 6], [7]]);
});

test("an append is stored once the journal has it and it has been written", async () => {
  const journal = new HeldJournal();
  const commit = new GroupCommit(journal);
  const events: string[] = [];
  let written = (): void => {};
  const write = (): Promise<void> => {
    events.push("write");
    return new Promise<void>((resolve) => {
      written = resolve;
    });
  };
  const stored = commit.store(entry(1, 1, write)).then(() => events.push("stored"));
  await until("a group", () => journal.groups.length === 1);
  assert.equal(events.length, 0, "it is not written before the journal has it");
  await journal.end();
  await until("the write", () => events.length > 0);
  // The next group does not wait for the writes of this one.
  const next = commit.store(entry(2));
  await journal.end();
  await next;
  events.push("next");
  written();
  await stored;
  assert.deepEqual(events, ["write", "next", "stored"]);
});

test("if the journal cannot keep a group, its appends fail and the journal is retired; later ones go on", async () => {
  const journal = new HeldJournal();
  const commit = new GroupCommit(journal);
  const failure = new Error("no space");
  const outcomes = Promise.allSettled([1, 2].map((at) => commit.store(entry(at, 1, assert.fail))));
  await until("a group", () => journal.groups.length === 1);
  const later = commit.store(entry(3));
  await journal.end(failure);
  for (const outcome of await outcomes) assert.deepEqual(outcome, { status: "rejected", reason: failure });
  assert.equal(journal.retired, 2, "each of them has waited for it");
  await journal.end();
  await later;
  assert.deepEqual(journal.groups, [[1, 2], [3]]);
});

test("an append whose write fails has retired the journal when it fails; the others of its group are stored", async () => {
  const journal = new HeldJournal();
  const commit = new GroupCommit(journal);
  const failure = new Error("changed");
  const failed = commit.store(entry(1, 1, () => Promise.reject(failure)));
  const other = commit.store(entry(2));
  await journal.end();
  await assert.rejects(failed, failure);
  assert.equal(journal.retired, 1);
  await other;
});

test("the journal is asked to settle a file, and to retire", async () => {
  const journal = new HeldJournal();
  await new GroupCommit(journal).settle(file);
  assert.deepEqual([journal.settled, journal.retired], [[file], 0]);
  await new GroupCommit(journal).retire();
  assert.deepEqual([journal.settled, journal.retired], [[file], 1]);
});
