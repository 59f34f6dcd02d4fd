/** Contents whose records cannot be written, and records whose files have gone. */
import assert from "node:assert/strict";
import fs, { existsSync, mkdirSync, rmSync, type Stats, symlinkSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { claimsFolder } from "../../src/stores/file/claims/entries.ts";
import { RecordReader } from "../../src/stores/file/records/record-reader.ts";
import { reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { systemError } from "../fixture/open-files.ts";
import { RecordRig } from "../fixture/record.ts";

/** As many records of files are kept in memory. */
const MAX_UNWRITTEN = 10_000;

function readerOf({ root, records }: RecordRig): RecordReader {
  return new RecordReader(root, reservedIn(root), records, false);
}

/** From now on, no record can be written. */
function deny({ records }: RecordRig): void {
  records.createNow = () => {
    throw systemError("EROFS");
  };
  records.writeNow = () => {
    throw systemError("EROFS");
  };
}

async function generationOf(reader: RecordReader, file: string): Promise<string> {
  const opened = await open(file);
  try {
    return (await reader.of({ file, opened })).generation;
  } finally {
    await opened.close();
  }
}

test("without a record, a generation depends on the file alone, and not on what is appended to it", async (t) => {
  const rig = await RecordRig.make(t, "plain");
  deny(rig);
  const reader = readerOf(rig);
  const first = await generationOf(reader, rig.file);
  assert.match(first, /^[0-9a-f]{16}$/);
  assert.equal(await generationOf(readerOf(rig), rig.file), first);
  writeFileSync(rig.file, "plain and more");
  assert.equal(await generationOf(reader, rig.file), first);
  assert.equal(await generationOf(readerOf(rig), rig.file), first);
  writeFileSync(join(rig.root, "b.txt"), "plain");
  assert.notEqual(await generationOf(reader, join(rig.root, "b.txt")), first);
});

test("runtimes that report fractions of a time of birth agree on the generation", async (t) => {
  const rig = await RecordRig.make(t, "plain");
  deny(rig);
  const { fstatSync } = fs;
  let bornMs = 0;
  t.mock.method(fs, "fstatSync", (fd: number) => Object.assign(fstatSync(fd) as Stats, { birthtimeMs: bornMs }));
  syncBuiltinESMExports();
  try {
    const found: string[] = [];
    for (bornMs of [5_000, 5_000.25, 5_999, 6_000]) found.push(await generationOf(readerOf(rig), rig.file));
    assert.equal(new Set(found.slice(0, 3)).size, 1);
    assert.notEqual(found[3], found[0]);
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
});

test("a change that cannot be recorded is remembered, and recorded as soon as that is possible", async (t) => {
  const rig = await RecordRig.make(t, "first");
  const before = rig.complete();
  const { createNow, writeNow } = rig.records;
  deny(rig);
  const reader = readerOf(rig);
  writeFileSync(rig.file, "other");
  const { size } = rig.records.readNow("a.txt") ?? {};
  assert.equal(size, 5);
  const other = await generationOf(reader, rig.file);
  assert.notEqual(other, before.generation);
  rmSync(rig.place);
  assert.equal(await generationOf(reader, rig.file), other, "it is remembered");
  Object.assign(rig.records, { createNow, writeNow });
  writeFileSync(rig.file, "other and more");
  assert.equal(await generationOf(reader, rig.file), other);
  assert.equal(rig.known?.generation, other);
});

test("of ten thousand contents that cannot be recorded, the one that was seen first is forgotten", async (t) => {
  const rig = await RecordRig.make(t, "first");
  rig.records.read = async () => undefined;
  rig.records.readNow = () => undefined;
  deny(rig);
  const reader = readerOf(rig);
  const derived = await generationOf(reader, rig.file);
  writeFileSync(rig.file, "other");
  const other = await generationOf(reader, rig.file);
  assert.notEqual(other, derived);
  const empty = join(rig.root, "empty");
  writeFileSync(empty, "");
  // The links give one file as many names.
  for (let count = 0; count <= 100; count++) symlinkSync(".", join(rig.root, `here-${count}`));
  const opened = await open(empty);
  t.after(() => opened.close());
  for (let count = 1; count <= MAX_UNWRITTEN; count++) {
    // One more forgets the first one, which then looks like a file that is seen for the first time.
    if (count === MAX_UNWRITTEN) assert.equal(await generationOf(reader, rig.file), other);
    await reader.of({
      file: join(rig.root, `here-${count % 100}`, `here-${Math.floor(count / 100)}`, "empty"),
      opened,
    });
  }
  assert.equal(await generationOf(reader, rig.file), derived);
});

test("the record of a file that has gone is removed, unless an append may create the file again", async (t) => {
  const rig = await RecordRig.make(t, "text");
  const reader = readerOf(rig);
  reader.forget(rig.file);
  rig.complete();
  reader.forget(rig.file);
  assert.ok(existsSync(rig.place), "the file is there");
  rmSync(rig.file);
  const claims = claimsFolder(reservedIn(rig.root), rig.file);
  mkdirSync(claims, { recursive: true });
  reader.forget(rig.file);
  assert.ok(existsSync(rig.place), "the path is claimed");
  rmSync(claims, { recursive: true });
  const { removeNow } = rig.records;
  rig.records.removeNow = () => {
    throw systemError("EROFS");
  };
  reader.forget(rig.file);
  rig.records.removeNow = removeNow;
  reader.forget(rig.file);
  assert.ok(!existsSync(rig.place));
});

test("what is remembered of a file goes with it", async (t) => {
  const rig = await RecordRig.make(t, "first");
  deny(rig);
  const reader = readerOf(rig);
  const derived = await generationOf(reader, rig.file);
  writeFileSync(rig.file, "other");
  assert.notEqual(await generationOf(reader, rig.file), derived);
  reader.forget(rig.file);
  assert.equal(await generationOf(reader, rig.file), derived);
});
