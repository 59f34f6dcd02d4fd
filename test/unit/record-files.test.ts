/** Records as files: what is overwritten, replaced, created, repaired and removed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs, {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { RecordFiles } from "../../src/stores/file/records/record-files.ts";
import { formatRecord, type StreamRecord } from "../../src/stores/file/records/stream-record.ts";
import { keyOf, type Reserved, reservedIn } from "../../src/stores/file/reserved/layout.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { beforeFlush, openFileMethods, systemError } from "../fixture/open-files.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const RECORD: StreamRecord = { file: "a.txt", generation: "one", size: 0, digest: "" };
const NEXT: StreamRecord = { ...RECORD, generation: "two", size: 5 };
/** A record that is longer than the others. */
const LONG: StreamRecord = { ...RECORD, generation: "long", digest: "d".repeat(600) };

interface Parts {
  readonly reserved: Reserved;
  readonly records: RecordFiles;
  /** Where the record is. */
  readonly place: string;
}

async function parts(t: TestContext, before?: StreamRecord): Promise<Parts> {
  const root = await temporaryFolder("records");
  t.after(() => removeFolder(root));
  const reserved = reservedIn(root);
  const records = new RecordFiles(reserved);
  if (before) records.writeNow(before);
  return { reserved, records, place: join(reserved.streams, `${keyOf("a.txt")}.json`) };
}

type Synchronous = "linkSync" | "openSync" | "readSync" | "renameSync" | "unlinkSync" | "writeSync";

/** Replaces a function of the file system until the test ends. */
function replace<Name extends Synchronous>(
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

function isTidy({ reserved }: Parts): void {
  assert.deepEqual(readdirSync(reserved.temporary), []);
  if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(reserved.root), []);
}

test("a record is read as it was written, in both ways; there is none of another file", async (t) => {
  const at = await parts(t);
  assert.equal(await at.records.read("a.txt"), undefined);
  assert.equal(at.records.readNow("a.txt"), undefined);
  assert.equal(at.records.has("a.txt"), false);
  at.records.writeNow(RECORD);
  assert.deepEqual(await at.records.read("a.txt"), RECORD);
  assert.deepEqual(at.records.readNow("a.txt"), RECORD);
  assert.equal(at.records.has("a.txt"), true);
  assert.equal(at.records.has("b.txt"), false);
  assert.equal(await at.records.read("b.txt"), undefined);
  assert.equal(statSync(at.place).mode & 0o777, 0o600);
  isTidy(at);
});

test("a record of the same length is overwritten in place, one of another length replaced", async (t) => {
  const at = await parts(t, RECORD);
  const { ino } = statSync(at.place);
  at.records.writeNow(NEXT);
  assert.equal(statSync(at.place).ino, ino);
  assert.deepEqual(at.records.readNow("a.txt"), NEXT);
  for (const record of [LONG, RECORD]) {
    const before = readFileSync(at.place);
    linkSync(at.place, `${at.place}.kept`);
    at.records.writeNow(record);
    assert.deepEqual(at.records.readNow("a.txt"), record);
    assert.deepEqual(readFileSync(`${at.place}.kept`), before, "the file of the former record is not touched");
    rmSync(`${at.place}.kept`);
  }
  isTidy(at);
});

test("a backup that shares the file keeps the old record", async (t) => {
  const at = await parts(t, RECORD);
  linkSync(at.place, `${at.place}.backup`);
  at.records.writeNow(NEXT);
  assert.equal(readFileSync(`${at.place}.backup`, "utf8"), formatRecord(RECORD));
  assert.deepEqual(at.records.readNow("a.txt"), NEXT);
});

test("a record that the system writes only in part is written again as a whole", async (t) => {
  const at = await parts(t, RECORD);
  replace(t, "writeSync", (real) => (fd: number, bytes: Buffer) => real(fd, bytes, 0, 100, 0));
  at.records.writeNow(NEXT);
  assert.deepEqual(at.records.readNow("a.txt"), NEXT);
});

/** What may stand in place of a record. */
const INSTEAD: Record<string, (place: string) => void> = {
  "a torn record": (place) => writeFileSync(place, formatRecord(RECORD).slice(0, 30)),
  "an empty file": (place) => writeFileSync(place, ""),
  "a folder": (place) => mkdirSync(join(place, "deep"), { recursive: true }),
  "a dangling link": (place) => symlinkSync("nowhere", place),
  "a link to a record": (place) => {
    writeFileSync(`${place}.other`, formatRecord(RECORD));
    symlinkSync(`${place}.other`, place);
  },
  "a named pipe": (place) => void spawnSync("mkfifo", [place]),
};

for (const [what, stand] of Object.entries(INSTEAD)) {
  test(`${what} counts as no record, and is replaced`, async (t) => {
    for (const write of ["writeNow", "createNow"] as const) {
      const at = await parts(t, RECORD);
      rmSync(at.place);
      stand(at.place);
      assert.equal(await at.records.read("a.txt"), undefined);
      assert.equal(at.records.readNow("a.txt"), undefined);
      assert.notEqual(at.records[write](NEXT), false);
      assert.deepEqual(at.records.readNow("a.txt"), NEXT);
      if (existsSync(`${at.place}.other`))
        assert.equal(readFileSync(`${at.place}.other`, "utf8"), formatRecord(RECORD));
      isTidy(at);
    }
  });

  test(`${what} in place of a record is removed, or left to the next write`, async (t) => {
    const at = await parts(t, RECORD);
    rmSync(at.place);
    stand(at.place);
    at.records.removeNow("a.txt");
    assert.equal(at.records.readNow("a.txt"), undefined);
  });
}

test("a record that is being written is complete at the third look at the latest", async (t) => {
  const at = await parts(t, RECORD);
  let torn = 0;
  let looks = 0;
  replace(t, "readSync", (real) => (fd: number, bytes: Buffer, offset: number, length: number, position: number) => {
    const read = real(fd, bytes, offset, length, position);
    looks++;
    if (torn-- > 0) bytes.fill("x", 10, 20);
    return read;
  });
  for (const [count, isFound] of [
    [0, true],
    [1, true],
    [2, true],
    [3, false],
  ] as const) {
    [torn, looks] = [count, 0];
    assert.deepEqual(at.records.readNow("a.txt"), isFound ? RECORD : undefined);
    assert.equal(looks, Math.min(3, count + 1));
  }
  let opened = 0;
  replace(t, "openSync", (real) => (...args: Parameters<typeof real>) => {
    opened++;
    return real(...args);
  });
  writeFileSync(at.place, "");
  opened = 0;
  assert.equal(at.records.readNow("a.txt"), undefined);
  assert.equal(opened, 1, "an empty file is not being written");
});

test("a look that comes while the record is written finds it at the next one", async (t) => {
  const at = await parts(t, RECORD);
  writeFileSync(at.place, formatRecord(RECORD).replace("one", "o?e"));
  const methods = await openFileMethods();
  const { readFile } = methods;
  t.mock.method(methods, "readFile", async function (this: FileHandle, encoding: "utf8") {
    const text = await readFile.call(this, encoding);
    writeFileSync(at.place, formatRecord(RECORD));
    return text;
  });
  assert.deepEqual(await at.records.read("a.txt"), RECORD);
});

test("a record is created only if there is none", async (t) => {
  const at = await parts(t);
  assert.equal(at.records.createNow(RECORD), true);
  assert.equal(at.records.createNow(NEXT), false);
  assert.deepEqual(at.records.readNow("a.txt"), RECORD);
  isTidy(at);
});

test("where there are no hard links, a record is created in another way", async (t) => {
  const at = await parts(t);
  replace(t, "linkSync", () => () => {
    throw systemError("EPERM");
  });
  assert.equal(at.records.createNow(RECORD), true);
  assert.deepEqual(at.records.readNow("a.txt"), RECORD);
  isTidy(at);
});

test("a record that appears where there are no hard links is not replaced", async (t) => {
  const at = await parts(t);
  replace(t, "linkSync", () => () => {
    writeFileSync(at.place, formatRecord(RECORD));
    throw systemError("EPERM");
  });
  mkdirSync(at.reserved.streams, { recursive: true });
  assert.throws(() => at.records.createNow(NEXT), { code: "EPERM" });
  assert.deepEqual(at.records.readNow("a.txt"), RECORD);
});

test("other failures of creating a record are reported", async (t) => {
  const at = await parts(t);
  replace(t, "linkSync", () => () => {
    throw systemError("EIO");
  });
  assert.throws(() => at.records.createNow(RECORD), { code: "EIO" });
  assert.equal(at.records.has("a.txt"), false);
  isTidy(at);
});

test("folders that are removed meanwhile are made again, but not without end", async (t) => {
  const at = await parts(t, RECORD);
  let [missing, tries] = [0, 0];
  replace(t, "renameSync", (real) => (from: string, to: string) => {
    tries++;
    if (tries <= missing) rmSync(dirname(at.reserved.streams), { recursive: true });
    real(from, to);
  });
  missing = 7;
  at.records.writeNow(LONG);
  assert.deepEqual(at.records.readNow("a.txt"), LONG);
  assert.equal(tries, 8);
  [missing, tries] = [8, 0];
  assert.throws(() => at.records.writeNow(RECORD), { code: "ENOENT" });
  assert.equal(tries, 8);
});

test("a file in place of the folder is an error at once", async (t) => {
  const at = await parts(t);
  mkdirSync(dirname(at.reserved.streams), { recursive: true });
  writeFileSync(at.reserved.streams, "a file");
  assert.throws(() => at.records.writeNow(RECORD), { code: /ENOTDIR|EEXIST/ });
  at.records.removeNow("a.txt");
});

test("a record that cannot be removed is reported, a missing one is not", async (t) => {
  const at = await parts(t, RECORD);
  at.records.removeNow("a.txt");
  at.records.removeNow("a.txt");
  assert.equal(at.records.has("a.txt"), false);
  replace(t, "unlinkSync", () => () => {
    throw systemError("EACCES");
  });
  assert.throws(() => at.records.removeNow("a.txt"), { code: "EACCES" });
});

test("a durable record is flushed, with its name if that is new", async (t) => {
  const at = await parts(t, RECORD);
  const flushed: number[] = [];
  await beforeFlush(t, ({ fd }) => flushed.push(fs.fstatSync(fd).ino));
  const { ino } = statSync(at.reserved.streams);
  await at.records.writeDurably(NEXT, assert.fail);
  assert.deepEqual(flushed, [statSync(at.place).ino]);
  assert.deepEqual(at.records.readNow("a.txt"), NEXT);
  flushed.length = 0;
  await at.records.writeDurably(LONG, () => true);
  assert.deepEqual(flushed, [statSync(at.place).ino, ino]);
  assert.deepEqual(at.records.readNow("a.txt"), LONG);
  await at.records.writeDurably(RECORD, () => false);
  assert.deepEqual(at.records.readNow("a.txt"), LONG);
  flushed.length = 0;
  await at.records.flush("a.txt");
  assert.deepEqual(flushed, [statSync(at.place).ino, ino]);
  isTidy(at);
});
