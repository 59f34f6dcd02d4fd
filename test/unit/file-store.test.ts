/** The file store among the files of other processes and programs. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import timers from "node:timers";
import type { Store } from "../../src/engine/storage/store.ts";
import { encodeOwner, encodeRecord } from "../../src/stores/file/journal/record.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { listed, put, readAll, rejectsWith, stored } from "../contract/store/driver.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { type FakeClock, fakeClock, NO_DEATH, OtherProcess } from "../fixture/other-process.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";

interface Place {
  readonly root: string;
  readonly store: Store;
  readonly clock: FakeClock;
  readonly t: TestContext;
}

function storeTest(what: string, run: (at: Place) => Promise<void>, skip: string | false = false): void {
  test(what, { skip, timeout: 20_000 }, async (t) => {
    const root = realpathSync(await temporaryFolder("store"));
    try {
      await run({ root, store: fileStore({ root }), clock: fakeClock(t), t });
    } finally {
      await removeFolder(root);
    }
  });
}

storeTest("a path that another process appends to", async ({ root, store }) => {
  for (const name of ["a.txt", "b.txt", "c.txt"]) writeFileSync(join(root, name), "x");
  const other = new OtherProcess(root);
  other.claim("a.txt");
  await store.sessions.save({ path: "b.txt", digest: "0".repeat(64) });
  const states: unknown[] = [];
  for (const path of ["a.txt", "b.txt", "c.txt"]) {
    const found = await store.stat(path);
    states.push([found?.appending, found?.ended]);
  }
  assert.deepEqual(states, [
    [true, undefined],
    [true, undefined],
    [false, "unknown"],
  ]);
  assert.deepEqual(
    (await listed(store, ""))?.map(({ appending }) => appending),
    [true, true, false],
  );
  await rejectsWith(store.remove("a.txt"), "conflict");
  const news = await store.watch?.("a.txt", new AbortController().signal);
  assert.deepEqual((await news?.next())?.value, { size: 1 });
  await news?.return();
  assert.equal(await store.watch?.("b.txt", new AbortController().signal), undefined);
  other.release("a.txt");
  assert.equal(await store.remove("a.txt"), true);
  assert.equal((await listed(store, ""))?.length, 2);
});

storeTest("an append that waits for its appender goes on when it is watched", async ({ root, store, t }) => {
  t.mock.method(globalThis, "setTimeout", (done: () => void) => setImmediate(done));
  writeFileSync(join(root, "a.txt"), "x");
  const other = new OtherProcess(root);
  other.claim("a.txt");
  await store.sessions.save({ path: "a.txt", digest: "0".repeat(64) });
  const news = await store.watch?.("a.txt", new AbortController().signal);
  await news?.next();
  other.release("a.txt");
  assert.deepEqual((await news?.next())?.value, { size: 1, ended: "restarting" });
});

storeTest("a claims folder that another program has damaged prevents no reading", async ({ root, store }) => {
  writeFileSync(join(root, "a.txt"), "x");
  mkdirSync(join(root, ".httpfstream/entries"), { recursive: true });
  writeFileSync(new OtherProcess(root).folder("a.txt"), "a file");
  assert.equal((await store.stat("a.txt"))?.appending, false);
  assert.equal((await listed(store, ""))?.[0]?.appending, false);
  await store.tidy?.();
  await put(store, "a.txt", "y");
});

storeTest(
  "the claims of a process that has ended do not count",
  async ({ root, store }) => {
    writeFileSync(join(root, "a.txt"), "x");
    new OtherProcess(root, "dead").claim("a.txt");
    assert.equal((await store.stat("a.txt"))?.appending, false);
    assert.equal((await listed(store, ""))?.[0]?.appending, false);
    assert.equal(await store.watch?.("a.txt", new AbortController().signal), undefined);
    assert.equal(await store.remove("a.txt"), true);
  },
  NO_DEATH,
);

storeTest("what is no file or no folder", async ({ root, store }) => {
  await put(store, "dir/a.txt", "x");
  symlinkSync("/etc", join(root, "out"));
  for (const path of ["none", "dir", "dir/none", "out", "out/hostname", ""]) {
    assert.equal(await store.stat(path), undefined, path);
    if (!path.startsWith("out")) assert.equal(await store.remove(path), false, path);
  }
  const below = await rejectsWith(store.stat("dir/a.txt/far/below"), "path_conflict");
  assert.equal(below.message, '"/dir/a.txt" is a file, so "/dir/a.txt/far/below" cannot be below it.');
  for (const path of ["none", "dir/a.txt", "dir/a.txt/below", "out"])
    assert.equal(await listed(store, path), undefined, path);
  assert.deepEqual(
    (await listed(store, "dir"))?.map(({ name }) => name),
    ["a.txt"],
  );
  const stop = AbortSignal.abort(new Error("stop"));
  await assert.rejects(store.claim("b.txt", { signal: stop }), /stop/);
  await rejectsWith(store.claim("b.txt", { create: false }), "not_found");
  const folder = await rejectsWith(store.claim("dir"), "path_conflict");
  assert.equal(folder.message, '"/dir" is a folder, so it cannot be appended to.');
  await rejectsWith(store.claim("../a.txt"), "bad_path");
  await (await store.claim("b.txt")).release();
});

storeTest("the record of a file that another program removes is gone at the next look", async ({ root, store }) => {
  await put(store, "a.txt", "x");
  rmSync(join(root, "a.txt"));
  assert.equal(await store.stat("a.txt"), undefined);
  assert.deepEqual(readdirSync(join(root, ".httpfstream/streams")), []);
});

storeTest("a path is removed with its record", async ({ root, store }) => {
  await put(store, "a.txt", "x");
  const streams = join(root, ".httpfstream/streams");
  assert.equal(readdirSync(streams).length, 1);
  assert.equal(await store.remove("a.txt"), true);
  assert.deepEqual(readdirSync(streams), []);
  symlinkSync("/etc", join(root, "out"));
  await rejectsWith(store.remove("out/hostname"), "bad_path");
  await put(store, "file", "x");
  await rejectsWith(store.remove("file/below"), "path_conflict");
});

storeTest("a range of another content is not read, and leaves nothing open", async ({ root, store }) => {
  await put(store, "a.txt", "12345");
  const generation = (await store.stat("a.txt"))?.generation;
  assert.equal(String(await readAll(store.read("a.txt", 1, 3, undefined, generation))), "23");
  assert.equal(String(await readAll(store.read("a.txt", 1, 3))), "23");
  await rejectsWith(readAll(store.read("a.txt", 1, 3, undefined, "another0")), "replaced");
  if (NO_DESCRIPTORS === undefined) await until("all to be closed", () => openFiles(root).length === 0);
});

storeTest("the handover of a path is requested by a file, until that is withdrawn", async ({ root, store }) => {
  const wanted = join(root, ".httpfstream/wanted");
  const withdraw = await store.requestHandover?.("a.txt");
  assert.equal(readdirSync(wanted).length, 1);
  await withdraw?.();
  assert.deepEqual(readdirSync(wanted), []);
});

storeTest("the journal of a silent process is recovered before its path gets more bytes", async (at) => {
  const { root, store, clock } = at;
  const file = join(root, "a.txt");
  writeFileSync(file, "one ");
  const { ino, birthtimeMs } = statSync(file);
  const silent = new OtherProcess(root);
  silent.claim("a.txt");
  for (let count = 0; count < 5; count++) {
    await rejectsWith(store.claim("a.txt"), "conflict");
    clock.nowMs += 2_000;
  }
  const journal = join(root, ".httpfstream/journal");
  mkdirSync(journal);
  const place = { name: "a.txt", inode: ino, bornMs: birthtimeMs };
  const lost = encodeRecord({ file: place, offset: 4, bytes: Buffer.from("two "), keptMs: 1 });
  writeFileSync(join(journal, "theirs"), Buffer.concat([encodeOwner(silent.record), ...lost]));
  const handle = await store.claim("a.txt");
  assert.equal(handle.offset, 8);
  await handle.append(Buffer.from("three"));
  await handle.release();
  assert.equal(String(await stored(store, "a.txt")), "one two three");
});

storeTest("tidying looks at the signs of life of others, so that silent ones are known in time", async (at) => {
  const { root, store, clock } = at;
  const silent = new OtherProcess(root);
  silent.claim("a.txt");
  for (let count = 0; count < 6; count++) {
    await store.tidy?.();
    clock.nowMs += 2_000;
  }
  await (await store.claim("a.txt")).release();
});

storeTest(
  "possible leftovers are looked at every twenty minutes until it is clear",
  async ({ root, store, clock, t }) => {
    const real = { setTimeout: timers.setTimeout, clearTimeout: timers.clearTimeout };
    const pending = new Map<object, () => void>();
    const delays = new Set<number>();
    Object.assign(timers, {
      setTimeout(work: () => void, ms: number) {
        const timer = { unref: () => timer };
        pending.set(timer, work);
        delays.add(ms);
        return timer;
      },
      clearTimeout: (timer: object) => pending.delete(timer),
    });
    syncBuiltinESMExports();
    t.after(() => {
      Object.assign(timers, real);
      syncBuiltinESMExports();
    });
    const next = (): void => {
      const [[timer, work] = []] = pending;
      if (timer) pending.delete(timer);
      work?.();
    };
    const request = new OtherProcess(root).request("a.txt");
    await store.tidy?.();
    await store.tidy?.();
    for (let minutes = 0; minutes < 60; minutes += 20) {
      assert.equal(pending.size, 1);
      assert.ok(existsSync(request));
      clock.nowMs += 20 * 60_000;
      next();
      await until("a look", () => pending.size === 1 || !existsSync(request));
    }
    assert.ok(!existsSync(request));
    await store.tidy?.();
    assert.deepEqual([pending.size, [...delays]], [0, [20 * 60_000]]);
  },
);
