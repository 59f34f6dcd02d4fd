/** The logs of streams in the file store: full disks, long logs, takeovers. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { StreamState } from "../../../src/engine/storage/stream-state.ts";
import { DURABILITIES } from "../../../src/stores/file/durability.ts";
import { fileStore } from "../../../src/stores/file/store.ts";
import { NO_SMALL_DISK, smallDisk } from "../../fixture/small-disk.ts";
import { removeFolder, temporaryFolder } from "../../fixture/temp.ts";
import { rejectsWith } from "./driver.ts";

const KIB = 1024;
const OPEN: StreamState = { created: true, type: "text/plain", producers: {} };

describe("the streams of a file store", () => {
  for (const durability of DURABILITIES) {
    const skip = NO_SMALL_DISK ?? false;
    test(`a batch that does not fit on the disk is taken back whole (${durability})`, { skip }, async () => {
      const disk = await smallDisk(1024 * KIB);
      try {
        const store = fileStore({ root: disk.folder, durability });
        const handle = await store.claim("a.txt");
        await handle.append(Buffer.from("one"), { ...OPEN, producers: { p: { epoch: 0, seq: 0 } } });
        const change = { producers: { p: { epoch: 0, seq: 1 } }, closed: {} };
        await rejectsWith(handle.append(Buffer.alloc(2048 * KIB, "x"), change), "no_space");
        assert.equal(handle.offset, 3);
        assert.equal(statSync(join(disk.folder, "a.txt")).size, 3);
        assert.deepEqual(handle.stream, { ...OPEN, producers: { p: { epoch: 0, seq: 0 } } });
        await handle.release();

        const again = await fileStore({ root: disk.folder, durability }).claim("a.txt");
        assert.deepEqual(again.stream, { ...OPEN, producers: { p: { epoch: 0, seq: 0 } } });
        await again.append(Buffer.from("two"), change);
        await again.release();
        const found = await store.stat("a.txt");
        assert.deepEqual([found?.size, found?.stream?.closed, found?.stream?.producers["p"]?.seq], [6, {}, 1]);
      } finally {
        await disk.remove();
      }
    });
  }

  test("a log does not grow without end", async () => {
    const root = await temporaryFolder();
    try {
      const store = fileStore({ root });
      const folder = join(root, ".httpfstream", "durable");
      const bytes = (): number =>
        readdirSync(folder).reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
      let most = 0;
      for (let claim = 10; claim < 30; claim++) {
        const handle = await store.claim("a.txt");
        for (let seq = 10; seq < (claim === 20 ? 9_000 : 60); seq++) {
          await handle.append(Buffer.from("x"), { ...OPEN, producers: { p: { epoch: claim, seq } } });
        }
        await handle.release();
        if (claim < 14) most = Math.max(most, bytes());
        else assert.ok(bytes() <= most * 2, `${bytes()} bytes after ${claim + 1} claims`);
      }
      assert.deepEqual((await store.stat("a.txt"))?.stream?.producers, { p: { epoch: 29, seq: 59 } });
    } finally {
      await removeFolder(root);
    }
  });
});
