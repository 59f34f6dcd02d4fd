/** A full disk: exactly the stored bytes count, and appends continue when there is space again. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Store } from "../../../src/engine/storage/store.ts";
import { RESERVED_SEGMENT } from "../../../src/protocol/path.ts";
import type { Durability } from "../../../src/stores/file/durability.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { randomBytes, sha256 } from "../../fixture/bytes.ts";
import { goByPath } from "../../fixture/second-process.ts";
import { NO_SMALL_DISK, type SmallDisk, smallDisk } from "../../fixture/small-disk.ts";
import { put, rejectsWith, stored } from "./driver.ts";

const KIB = 1024;
const SKIP = NO_SMALL_DISK === undefined ? {} : { skip: NO_SMALL_DISK };

function diskTest(
  what: string,
  disk: { bytes: number; files?: number },
  run: (store: Store, disk: SmallDisk) => Promise<void>,
  durability: Durability = "os",
): void {
  test(what, SKIP, async () => {
    const small = await smallDisk(disk.bytes, disk.files);
    try {
      await run(fileStore({ root: small.folder, durability }), small);
    } finally {
      await small.remove();
    }
  });
}

for (const batchBytes of [1000, 64 * KIB, 1024 * KIB]) {
  diskTest(`batches of ${batchBytes} bytes until it is full`, { bytes: 300 * KIB }, async (store, { folder }) => {
    const bytes = randomBytes(2 * 1024 * KIB, 1);
    const handle = await store.claim("a.bin");
    const fill = async (): Promise<void> => {
      for (;;) await handle.append(bytes.subarray(handle.offset, handle.offset + batchBytes));
    };
    const error = await rejectsWith(fill(), "no_space");
    assert.match(error.message, /full/);
    assert.ok(handle.offset > 200 * KIB, `${handle.offset} bytes are stored`);
    assert.equal(statSync(join(folder, "a.bin")).size, handle.offset, "not a byte more or less than counted");
    assert.equal(sha256(readFileSync(join(folder, "a.bin"))), sha256(bytes.subarray(0, handle.offset)));

    const offset = handle.offset;
    await rejectsWith(handle.append(Buffer.alloc(64 * KIB)), "no_space");
    assert.equal(handle.offset, offset, "still full");
    await handle.release();
    assert.equal((await stored(store, "a.bin")).length, offset, "it can be read");
  });
}

diskTest("the same handle continues when there is space again", { bytes: 300 * KIB }, async (store, disk) => {
  disk.fill(200 * KIB);
  const bytes = randomBytes(150 * KIB, 2);
  const handle = await store.claim("a.bin");
  await rejectsWith(handle.append(bytes), "no_space");
  const stuckAt = handle.offset;
  assert.ok(stuckAt < bytes.length);
  disk.free();
  assert.equal(await handle.append(bytes.subarray(stuckAt)), bytes.length);
  await handle.release();
  assert.equal(sha256(await stored(store, "a.bin")), sha256(bytes));
});

diskTest("a new claim continues when there is space again", { bytes: 300 * KIB }, async (store, disk) => {
  disk.fill(200 * KIB);
  const bytes = randomBytes(150 * KIB, 3);
  await rejectsWith(put(store, "dir/a.bin", bytes), "no_space");
  disk.free();
  const handle = await store.claim("dir/a.bin");
  await handle.append(bytes.subarray(handle.offset));
  await handle.release();
  assert.equal(sha256(await stored(store, "dir/a.bin")), sha256(bytes));
});

diskTest(
  "appends that share flushes until the disk is full, and continue when there is space again",
  { bytes: 1500 * KIB },
  async (store, disk) => {
    disk.fill(1200 * KIB);
    const bytes = randomBytes(60 * KIB, 4);
    const handles = await Promise.all([..."abcdefgh"].map((name) => store.claim(`${name}.bin`)));
    const next = async (): Promise<number> => {
      const batches = handles.map((handle) => handle.append(bytes.subarray(handle.offset, handle.offset + 4 * KIB)));
      const failed = (await Promise.allSettled(batches)).filter(({ status }) => status === "rejected");
      return failed.length;
    };
    while ((await next()) === 0);
    const check = async (): Promise<void> => {
      for (const [at, { offset }] of handles.entries()) {
        const file = readFileSync(join(disk.folder, `${"abcdefgh"[at]}.bin`));
        assert.ok(file.equals(bytes.subarray(0, offset)), `file ${at} does not hold what was counted`);
      }
    };
    await check();
    disk.free();
    while (handles.some(({ offset }) => offset < bytes.length)) assert.equal(await next(), 0);
    await check();
    await Promise.all(handles.map((handle) => handle.release("complete")));
    assert.deepEqual(readdirSync(join(disk.folder, RESERVED_SEGMENT, "journal")), []);
  },
  "disk",
);

diskTest("no room for another file", { bytes: 1024 * KIB, files: 60 }, async (store, { folder }) => {
  await put(store, "a.txt", "one ");
  const handle = await store.claim("b.txt");
  const junk = useUp(folder);
  for (const path of ["c.txt", "deep/er/c.txt"]) await rejectsWith(put(store, path, "x"), "no_space");
  assert.equal(await handle.append(Buffer.from("goes on")), 7, "the open append continues");
  await handle.release();
  for (const file of junk) rmSync(file);
  assert.equal(await put(store, "a.txt", "two"), 7);
  assert.equal(await put(store, "deep/er/c.txt", "x"), 1);
});

/** Creates empty files until there is no room for another, and returns their paths. */
function useUp(folder: string): string[] {
  const made: string[] = [];
  for (;;) {
    const file = join(folder, `junk-${made.length}`);
    try {
      writeFileSync(file, "");
    } catch {
      return made;
    }
    made.push(file);
  }
}

diskTest("claims that fail on the full disk leave nothing behind", { bytes: 300 * KIB }, async (store, disk) => {
  await put(store, "a.txt", "x");
  const before = everythingIn(disk.folder);
  disk.fill(400 * KIB);
  for (let count = 0; count < 10; count++) {
    await store.claim(`new-${count}.txt`).then(
      (handle) => handle.release(),
      (error: unknown) => rejectsWith(Promise.reject(error), "no_space"),
    );
    await store.remove(`new-${count}.txt`);
  }
  disk.free();
  assert.deepEqual(everythingIn(disk.folder), before);
  assert.equal(await put(store, "a.txt", "y"), 2);
});

diskTest(
  "a path can be released on the full disk while another process watches",
  { bytes: 300 * KIB },
  async (store, disk) => {
    const handle = await store.claim("a.txt");
    await goByPath(disk.folder);
    const claims = join(disk.folder, RESERVED_SEGMENT, "entries");
    for (const claim of readdirSync(claims)) writeFileSync(join(claims, claim, "watch-another-process"), "{}");
    disk.fill(400 * KIB);
    await handle.release("complete");
    disk.free();
    assert.equal(await put(store, "a.txt", "x"), 1);
  },
);

function everythingIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true }).map(String).sort();
}
