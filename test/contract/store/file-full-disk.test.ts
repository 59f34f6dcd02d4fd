/** A disk that is full: what was stored counts, to the byte, and work goes on when there is space again. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Store } from "../../../src/core/store.ts";
import { fileStore } from "../../../src/stores/file.ts";
import { randomBytes, sha256 } from "../../fixture/bytes.ts";
import { NO_SMALL_DISK, type SmallDisk, smallDisk } from "../../fixture/small-disk.ts";
import { put, rejectsWith, stored } from "./driver.ts";

const KIB = 1024;
const SKIP = NO_SMALL_DISK === undefined ? {} : { skip: NO_SMALL_DISK };

function diskTest(
  what: string,
  disk: { bytes: number; files?: number },
  run: (store: Store, disk: SmallDisk) => Promise<void>,
): void {
  test(what, SKIP, async () => {
    const small = await smallDisk(disk.bytes, disk.files);
    try {
      await run(fileStore({ root: small.folder }), small);
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

diskTest("the same handle goes on when there is space again", { bytes: 300 * KIB }, async (store, disk) => {
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

diskTest("a new claim goes on when there is space again", { bytes: 300 * KIB }, async (store, disk) => {
  disk.fill(200 * KIB);
  const bytes = randomBytes(150 * KIB, 3);
  await rejectsWith(put(store, "dir/a.bin", bytes), "no_space");
  disk.free();
  const handle = await store.claim("dir/a.bin");
  await handle.append(bytes.subarray(handle.offset));
  await handle.release();
  assert.equal(sha256(await stored(store, "dir/a.bin")), sha256(bytes));
});

diskTest("no room for another file", { bytes: 1024 * KIB, files: 5 }, async (store) => {
  await put(store, "a.txt", "one ");
  await rejectsWith(put(store, "deep/er/and/deep/er.txt", "x"), "no_space");
  await rejectsWith(put(store, "deep/er/and/deep/er.txt", "x"), "no_space");
  assert.equal(await put(store, "a.txt", "two"), 7, "what exists can still be appended to");
  await store.remove("a.txt");
  assert.equal(await put(store, "b.txt", "x"), 1);
});
