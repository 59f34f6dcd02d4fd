/** The store's own small files: what is read, what is written whole, and what may go. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs, {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import {
  nameIn,
  readJsonFile,
  removeFile,
  removeFileNow,
  writeJsonAtomic,
  writeTextAtomic,
} from "../../src/stores/file/reserved/atomic-write.ts";
import { flushFolders } from "../../src/stores/file/reserved/fsync.ts";
import {
  assertOwn,
  assertOwnFolders,
  keyOf,
  type Reserved,
  reservedIn,
} from "../../src/stores/file/reserved/layout.ts";
import {
  openSmallFile,
  readSmallFile,
  readSmallFileSync,
  UNUSABLE,
} from "../../src/stores/file/reserved/small-file.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { beforeFlush } from "../fixture/open-files.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const KIB = 1024;

async function reserved(t: TestContext): Promise<Reserved> {
  const root = await temporaryFolder("reserved");
  t.after(() => removeFolder(root));
  return reservedIn(root);
}

/** The inodes of what is flushed from now on. */
async function flushes(t: TestContext): Promise<number[]> {
  const inodes: number[] = [];
  await beforeFlush(t, ({ fd }) => inodes.push(fs.fstatSync(fd).ino));
  return inodes;
}

function inodesOf(...paths: readonly string[]): number[] {
  return paths.map((path) => statSync(path).ino);
}

/** What is at a path, and what is read there. */
const PLACES: Record<string, { put: (path: string) => void; read: string | typeof UNUSABLE | undefined }> = {
  nothing: { put: () => {}, read: undefined },
  "an empty file": { put: (path) => writeFileSync(path, ""), read: "" },
  "a text": { put: (path) => writeFileSync(path, "süß\n"), read: "süß\n" },
  "64 KiB": { put: (path) => writeFileSync(path, "x".repeat(64 * KIB)), read: "x".repeat(64 * KIB) },
  "more than 64 KiB": { put: (path) => writeFileSync(path, "x".repeat(64 * KIB + 1)), read: UNUSABLE },
  "a folder": { put: (path) => mkdirSync(path), read: UNUSABLE },
  "a named pipe": { put: (path) => void spawnSync("mkfifo", [path]), read: UNUSABLE },
  "a link to a file": {
    put(path) {
      writeFileSync(`${path}.real`, "x");
      symlinkSync(`${path}.real`, path);
    },
    read: UNUSABLE,
  },
};

for (const [what, { put, read }] of Object.entries(PLACES)) {
  test(`${what} is read as a small file, in both ways`, async (t) => {
    const { root } = await reserved(t);
    const path = join(root, "file");
    put(path);
    assert.equal(await readSmallFile(path), read);
    assert.equal(readSmallFileSync(path), read);
    if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(root), []);
  });
}

test("other errors of reading a small file are reported", async (t) => {
  const { root } = await reserved(t);
  const path = join(root, "x".repeat(300));
  await assert.rejects(readSmallFile(path), { code: "ENAMETOOLONG" });
  assert.throws(() => readSmallFileSync(path), { code: "ENAMETOOLONG" });
});

test("a small file may be limited in another way, and is open for reading", async (t) => {
  const { root } = await reserved(t);
  const path = join(root, "file");
  writeFileSync(path, "12345");
  assert.equal(await openSmallFile(path, 4), UNUSABLE);
  const opened = await openSmallFile(path, 5);
  assert.ok(opened !== undefined && opened !== UNUSABLE);
  assert.equal(await opened.readFile("utf8"), "12345");
  await opened.close();
});

test("a file is read whole, however little the system hands out at once, or up to where it ends by now", async (t) => {
  const { root } = await reserved(t);
  const path = join(root, "file");
  writeFileSync(path, "0123456789");
  const { readSync } = fs;
  let handedOut = 0;
  let most = 100;
  const replaced = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number => {
    const read = readSync(fd, bytes, offset, Math.min(length, 3, most - handedOut), position);
    handedOut += read;
    return read;
  };
  fs.readSync = replaced as typeof readSync;
  syncBuiltinESMExports();
  try {
    assert.equal(readSmallFileSync(path), "0123456789");
    [handedOut, most] = [0, 7];
    assert.equal(readSmallFileSync(path), "0123456");
  } finally {
    fs.readSync = readSync;
    syncBuiltinESMExports();
  }
});

test("a value is written whole, into folders that need not exist, and read again", async (t) => {
  const at = await reserved(t);
  const file = join(at.sessions, "deep", "file");
  const flushed = await flushes(t);
  await writeJsonAtomic(at, file, { a: ["x"] }, false);
  assert.equal(readFileSync(file, "utf8"), '{"a":["x"]}\n');
  assert.deepEqual(await readJsonFile(file), { a: ["x"] });
  await writeJsonAtomic(at, file, 7, false);
  assert.equal(await readJsonFile(file), 7);
  assert.deepEqual(flushed, []);
  await writeJsonAtomic(at, file, null, true);
  assert.deepEqual(flushed, inodesOf(file, dirname(file)), "first the file, then its name");
  if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(at.root), []);
  assert.equal(await readJsonFile(file), null);
  assert.deepEqual(readdirSync(at.temporary), []);
});

test("a file that is no JSON is unusable", async (t) => {
  const { root } = await reserved(t);
  writeFileSync(join(root, "file"), '{"a":');
  assert.equal(await readJsonFile(join(root, "file")), UNUSABLE);
  assert.equal(await readJsonFile(root), UNUSABLE);
  assert.equal(await readJsonFile(join(root, "none")), undefined);
});

test("a file that may not be written is left as it is", async (t) => {
  const at = await reserved(t);
  const file = join(at.sessions, "file");
  const flushed = await flushes(t);
  await writeTextAtomic(at, file, { text: "no", durable: false, mayWrite: () => false });
  assert.ok(!existsSync(file));
  await writeTextAtomic(at, file, { text: "yes", durable: false, mayWrite: () => true });
  assert.equal(readFileSync(file, "utf8"), "yes");
  flushed.length = 0;
  const { ino } = statSync(dirname(file));
  await writeTextAtomic(at, file, { text: "no", durable: true, mayWrite: () => false });
  assert.equal(readFileSync(file, "utf8"), "yes");
  assert.ok(!flushed.includes(ino), "there is no new name to flush");
  assert.deepEqual(readdirSync(at.temporary), []);
});

test("a file has its name in the turn in which that was allowed", async (t) => {
  const at = await reserved(t);
  const file = join(at.sessions, "file");
  let isThere: Promise<boolean> | undefined;
  const mayWrite = (): boolean => {
    isThere = Promise.resolve().then(() => existsSync(file));
    return true;
  };
  await writeJsonAtomic(at, file, "x", false, mayWrite);
  assert.equal(await isThere, true);
});

test("folders that are removed meanwhile are made again, but not without end", async (t) => {
  const at = await reserved(t);
  const file = join(at.sessions, "file");
  let removals = 0;
  const removing = (most: number) => (): boolean => {
    if (removals++ < most) rmSync(at.sessions, { recursive: true });
    return true;
  };
  await writeJsonAtomic(at, file, "x", false, removing(49));
  assert.equal(await readJsonFile(file), "x");
  assert.equal(removals, 50);
  removals = 0;
  await assert.rejects(writeJsonAtomic(at, file, "y", false, removing(50)), { code: "ENOENT" });
  assert.equal(removals, 50);
  assert.deepEqual(readdirSync(at.temporary), []);
});

test("a folder in place of the file is reported at once, and leaves nothing behind", async (t) => {
  const at = await reserved(t);
  mkdirSync(at.sessions, { recursive: true });
  let asked = 0;
  const mayWrite = (): boolean => ++asked > 0;
  for (const may of [mayWrite, undefined]) {
    await assert.rejects(writeJsonAtomic(at, at.sessions, "x", false, may), (error) => error instanceof Error);
  }
  assert.equal(asked, 1);
  assert.deepEqual(readdirSync(at.temporary), []);
});

test("a file is removed if it exists; other errors are reported", async (t) => {
  const { root } = await reserved(t);
  const [one, other] = [join(root, "one"), join(root, "other")];
  writeFileSync(one, "");
  writeFileSync(other, "");
  for (let count = 0; count < 2; count++) {
    await removeFile(one);
    removeFileNow(other);
  }
  assert.deepEqual(readdirSync(root), []);
  await assert.rejects(removeFile(root));
  assert.throws(() => removeFileNow(root));
});

test("folders are flushed from the inside to the root, or to the top", async (t) => {
  const { root, journal } = await reserved(t);
  mkdirSync(journal, { recursive: true });
  const flushed = await flushes(t);
  await flushFolders(journal, root);
  assert.deepEqual(flushed, inodesOf(journal, dirname(journal), root));
  flushed.length = 0;
  await flushFolders(root, root);
  assert.deepEqual(flushed, inodesOf(root));
  flushed.length = 0;
  await flushFolders(root, join(root, "elsewhere"));
  assert.deepEqual([flushed[0], flushed.at(-1)], inodesOf(root, "/"));
});

test("the store's own folder and those inside it are no links", async (t) => {
  const at = await reserved(t);
  const own = dirname(at.journal);
  const isRefused = (check: (at: Reserved) => void): void => {
    assert.throws(
      () => check(at),
      (error) => error instanceof StreamError && error.code === "storage",
    );
  };
  assertOwnFolders(at);
  symlinkSync(at.root, own);
  isRefused(assertOwn);
  isRefused(assertOwnFolders);
  rmSync(own);
  writeFileSync(own, "a file");
  assertOwnFolders(at);
  rmSync(own);
  const { root: _, ...folders } = at;
  for (const folder of Object.values(folders)) {
    mkdirSync(own);
    mkdirSync(folder);
    assertOwnFolders(at);
    rmSync(folder, { recursive: true });
    symlinkSync("nowhere", folder);
    assertOwn(at);
    isRefused(assertOwnFolders);
    rmSync(own, { recursive: true });
  }
});

test("keys have a fixed length, and names are new", () => {
  assert.match(keyOf(""), /^[0-9a-f]{40}$/);
  assert.notEqual(keyOf("a"), keyOf("b"));
  assert.notEqual(nameIn("/folder"), nameIn("/folder"));
  assert.equal(dirname(nameIn("/folder")), "/folder");
});
