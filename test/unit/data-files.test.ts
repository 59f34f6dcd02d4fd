/** Opening, reading, writing and removing the files that hold the streams' bytes. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { changeOf, statsAt } from "../../src/stores/file/files/change.ts";
import { type OpenedToAppend, openToAppend } from "../../src/stores/file/files/open.ts";
import { openToRead, readFile } from "../../src/stores/file/files/read.ts";
import { removeFolders, removeUnused } from "../../src/stores/file/files/remove-unused.ts";
import { readAt, writeAll } from "../../src/stores/file/files/transfer.ts";
import { Writer } from "../../src/stores/file/files/writer.ts";
import type { OpenFile } from "../../src/stores/file/folders/opened-file.ts";
import { readAll, rejectsWith } from "../contract/store/driver.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

const KIB = 1024;

function rootTest(what: string, run: (root: string, t: TestContext) => Promise<void>): void {
  test(what, { timeout: 20_000 }, async (t) => {
    const root = realpathSync(await temporaryFolder("data"));
    try {
      await run(root, t);
    } finally {
      await removeFolder(root);
    }
  });
}

/** Lets a file transfer at most `most` bytes per call, as systems may. */
function slowly(opened: FileHandle, most: number): FileHandle {
  const { read, write } = opened;
  const less = (transfer: (...terms: never[]) => unknown) => {
    return (bytes: Uint8Array, at: number, length: number, position: number | null) =>
      Reflect.apply(transfer, opened, [bytes, at, Math.min(length, most), position]);
  };
  return Object.assign(opened, { read: less(read), write: less(write) });
}

rootTest("all bytes are transferred, however few the system takes at once", async (root) => {
  const bytes = randomBytes(100, 1);
  for (const most of [1, 7, 100]) {
    const opened = slowly(await open(join(root, "a.bin"), "w+"), most);
    await writeAll(opened, bytes.subarray(0, 30));
    await writeAll(opened, bytes.subarray(30));
    await writeAll(opened, new Uint8Array(0));
    assert.deepEqual(readFileSync(join(root, "a.bin")), bytes);
    await writeAll(opened, bytes.subarray(0, 20), 90);
    assert.deepEqual(readFileSync(join(root, "a.bin")).subarray(90), bytes.subarray(0, 20));
    for (const [offset, length, got] of [
      [0, 90, 90],
      [13, 24, 24],
      [100, 50, 10],
      [110, 5, 0],
      [5, 0, 0],
    ] as const) {
      const read = await readAt(opened, offset, length);
      assert.deepEqual(Buffer.from(read), readFileSync(join(root, "a.bin")).subarray(offset, offset + got));
    }
    await opened.close();
  }
});

rootTest("small writes are made at once, large ones and those after a slow one elsewhere", async (root, t) => {
  let nowMs = 50_000;
  let tookMs = 0;
  t.mock.method(performance, "now", () => {
    nowMs += tookMs;
    return nowMs;
  });
  const opened = await open(join(root, "a.bin"), "a");
  const writer = new Writer(opened);
  const bytes = randomBytes(128 * KIB + 1, 2);
  let expected = Buffer.alloc(0);
  const isAtOnce = async (length: number): Promise<boolean> => {
    const written = writer.write(bytes.subarray(0, length));
    assert.equal(await written, length);
    expected = Buffer.concat([expected, bytes.subarray(0, length)]);
    return typeof written === "number";
  };
  assert.equal(await isAtOnce(1), true);
  assert.equal(await isAtOnce(128 * KIB), true);
  assert.equal(await isAtOnce(128 * KIB + 1), false);
  tookMs = 2;
  assert.equal(await isAtOnce(1), true);
  tookMs = 0;
  assert.equal(await isAtOnce(1), true, "two milliseconds are not slow");
  tookMs = 3;
  assert.equal(await isAtOnce(1), true);
  tookMs = 0;
  nowMs += 999;
  assert.equal(await isAtOnce(1), false);
  nowMs += 1;
  assert.equal(await isAtOnce(1), true);
  assert.deepEqual(readFileSync(join(root, "a.bin")), expected);
  await opened.close();
});

rootTest("how a file has changed that had some bytes", async (root) => {
  const file = join(root, "a.txt");
  writeFileSync(file, "12345");
  const found = statSync(file);
  assert.equal(changeOf(found, 5), undefined);
  assert.equal(changeOf(found, 6), "truncated");
  assert.equal(changeOf(found, 4), "written to by another program");
  assert.equal(changeOf(undefined, 5), "removed");
});

rootTest("the stats of a file, which may be missing, or out of reach", async (root) => {
  const file = join(root, "a.txt");
  writeFileSync(file, "12345");
  assert.equal(statsAt(file, "a.txt")?.size, 5);
  assert.equal(statsAt(join(root, "none"), "a.txt"), undefined);
  assert.equal(statsAt(join(file, "below"), "a.txt"), undefined);
  symlinkSync("loop", join(root, "loop"));
  assert.throws(() => statsAt(join(root, "loop"), "a.txt"), { code: "bad_path", path: "a.txt" });
});

function opening(root: string, path: string, create = true, onCreate = (): void => {}): Promise<OpenedToAppend> {
  return openToAppend({ root, file: join(root, path), path, onCreate }, create);
}

rootTest("a file is opened as it is, or created with its folders", async (root) => {
  let created = 0;
  const onCreate = (): void => {
    assert.ok(!existsSync(join(root, "new/er/a.txt")), "before it is there");
    created++;
  };
  const made = await opening(root, "new/er/a.txt", true, onCreate);
  assert.deepEqual([made.isNew, made.readable, created], [true, true, 1]);
  await writeAll(made.opened, Buffer.from("made "));
  await made.opened.close();
  for (const create of [true, false]) {
    const found = await opening(root, "new/er/a.txt", create, onCreate);
    assert.deepEqual([found.isNew, found.readable, created], [false, true, 1]);
    await writeAll(found.opened, Buffer.from("found "));
    await found.opened.close();
  }
  assert.equal(readFileSync(join(root, "new/er/a.txt"), "utf8"), "made found found ");
  await assert.rejects(opening(root, "new/none", false, onCreate), { code: "ENOENT" });
  await assert.rejects(opening(root, "none/none", false, onCreate), { code: "ENOENT" });
  await assert.rejects(opening(root, "new/er", true, onCreate), { code: "EISDIR" });
  assert.equal(created, 1);
});

rootTest("a file that another process creates at the same moment is not new", async (root) => {
  const { opened, isNew } = await opening(root, "a.txt", true, () => writeFileSync(join(root, "a.txt"), "theirs "));
  await writeAll(opened, Buffer.from("ours"));
  await opened.close();
  assert.equal(isNew, false);
  assert.equal(readFileSync(join(root, "a.txt"), "utf8"), "theirs ours");
  const dangling = (): void => symlinkSync("none", join(root, "b.txt"));
  await assert.rejects(opening(root, "b.txt", true, dangling), { code: "ELOOP" });
  assert.ok(!existsSync(join(root, "none")));
});

rootTest("a file is not opened if a folder above it was moved, or if it cannot be created", async (root) => {
  mkdirSync(join(root, "folder"));
  symlinkSync("folder", join(root, "link"));
  const error = await rejectsWith(opening(root, "link/a.txt"), "bad_path");
  assert.equal(error.path, "link/a.txt");
  assert.ok(!existsSync(join(root, "folder/a.txt")));
  await assert.rejects(opening(root, `new/er/${"x".repeat(300)}`), { code: "ENAMETOOLONG" });
  assert.ok(!existsSync(join(root, "new")), "its folders are gone again");
  const refuse = (): void => {
    throw new Error("no");
  };
  await assert.rejects(opening(root, "new/a.txt", true, refuse), /no/);
  assert.ok(!existsSync(join(root, "new")));
  if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(root), []);
});

rootTest("what was created for nothing is removed as far as it is empty", async (root) => {
  const made = await opening(root, "new/er/a.txt");
  await made.opened.close();
  writeFileSync(join(root, "new/b.txt"), "");
  await made.removeUnused();
  assert.ok(!existsSync(join(root, "new/er")));
  assert.ok(existsSync(join(root, "new/b.txt")));
  await made.removeUnused();
});

rootTest("a file that is not empty stays, and so does anything else in its place", async (root) => {
  const folders = [join(root, "new")];
  const file = join(root, "new/a.txt");
  mkdirSync(join(root, "new"));
  writeFileSync(file, "by another program");
  await removeUnused(root, file, folders);
  assert.ok(existsSync(file));
  rmSync(file);
  if (spawnSync("mkfifo", [file]).status === 0) {
    await removeUnused(root, file, folders);
    assert.ok(existsSync(file));
    rmSync(file);
  }
  await removeUnused(root, file, folders);
  assert.ok(!existsSync(join(root, "new")), "the folder is removed if the file has gone");
  mkdirSync(join(root, "one/two/three"), { recursive: true });
  writeFileSync(join(root, "one/two/x"), "");
  await removeFolders(root, [join(root, "one"), join(root, "one/two"), join(root, "one/two/three")]);
  assert.ok(existsSync(join(root, "one/two/x")));
  assert.ok(!existsSync(join(root, "one/two/three")));
});

rootTest("a range is read in pieces from a file that is opened for it, and closed", async (root) => {
  const bytes = randomBytes(100, 3);
  writeFileSync(join(root, "a.bin"), bytes);
  let opens = 0;
  const range = (from: number, to: number): ReadableStream<Uint8Array> => {
    const path = "a.bin";
    const reopen = (): Promise<OpenFile> => {
      opens++;
      return openToRead(root, path);
    };
    return readFile({ open: reopen, path, from, to, pieceBytes: 30 });
  };
  const sizes: number[] = [];
  for await (const piece of range(5, 100)) sizes.push(piece.length);
  assert.deepEqual([sizes, opens], [[30, 30, 30, 5], 1]);
  assert.deepEqual(await readAll(range(5, 95)), bytes.subarray(5, 95));
  truncateSync(join(root, "a.bin"), 60);
  const shrunk = await rejectsWith(readAll(range(50, 100)), "changed");
  assert.deepEqual([shrunk.path, /byte 60/.test(shrunk.message)], ["a.bin", true]);
  rmSync(join(root, "a.bin"));
  const gone = await rejectsWith(readAll(range(0, 1)), "changed");
  assert.deepEqual([gone.path, /no longer exists/.test(gone.message)], ["a.bin", true]);
  mkdirSync(join(root, "a.bin"));
  assert.equal((await rejectsWith(readAll(range(0, 1)), "path_conflict")).path, "a.bin");
  await range(0, 1).cancel();
  if (NO_DESCRIPTORS === undefined) await until("all to be closed", () => openFiles(root).length === 0, 5_000);
});
