/** The file store keeps files open only as long as it needs them. */
import assert from "node:assert/strict";
import { truncateSync } from "node:fs";
import { join } from "node:path";
import { NO_DESCRIPTORS, openFiles } from "../../fixture/descriptors.ts";
import { until } from "../../fixture/until.ts";
import { listed, put, readAll, rejectsWith } from "./driver.ts";
import { type FileRoot, fileTest } from "./file-root.ts";

const SIZE = 1024 * 1024;

function openTest(what: string, run: (at: FileRoot) => Promise<void>): void {
  fileTest(what, run, NO_DESCRIPTORS);
}

async function nothingOpen({ root }: FileRoot): Promise<void> {
  await until(`nothing to be open in ${root}`, () => openFiles(root).length === 0, 5_000);
}

openTest("an append handle has one file open until it is released", async (at) => {
  const handle = await at.store.claim("a/b.txt");
  await handle.append(Buffer.from("x"));
  assert.deepEqual(openFiles(at.root), [join(at.root, "a/b.txt")]);
  await handle.release();
  assert.deepEqual(openFiles(at.root), []);
});

openTest("refused claims leave nothing open", async (at) => {
  await put(at.store, "dir/a.txt", "x");
  for (const path of ["dir", "dir/a.txt/below", "dir//x"])
    await rejectsWith(at.store.claim(path), "path_conflict", "bad_path");
  assert.deepEqual(openFiles(at.root), []);
});

openTest("stat, list and remove leave nothing open", async (at) => {
  await put(at.store, "dir/a.txt", "x");
  await at.store.stat("dir/a.txt");
  await listed(at.store, "dir");
  await at.store.remove("dir/a.txt");
  assert.deepEqual(openFiles(at.root), []);
});

openTest("a listing holds nothing open before its first row, nor after it was abandoned", async (at) => {
  for (const name of ["a", "b", "c"]) await put(at.store, `dir/${name}`, "x");
  await at.store.list("dir");
  assert.deepEqual(openFiles(at.root), []);
  for await (const row of (await at.store.list("dir")) ?? []) {
    assert.equal(row.name, "a");
    break;
  }
  assert.deepEqual(openFiles(at.root), []);
  const stopped = new AbortController();
  const listing = (await at.store.list("dir", { signal: stopped.signal })) ?? [];
  await assert.rejects(async () => {
    for await (const _ of listing) stopped.abort();
  });
  assert.deepEqual(openFiles(at.root), []);
});

openTest("streams that are never read hold nothing open", async (at) => {
  await put(at.store, "a.bin", Buffer.alloc(SIZE));
  const streams = Array.from({ length: 50 }, () => at.store.read("a.bin", 0, SIZE));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(openFiles(at.root), []);
  assert.equal(streams.length, 50);
});

openTest("a stream that is read has its file open until its last byte", async (at) => {
  await put(at.store, "a.bin", Buffer.alloc(SIZE));
  const reader = at.store.read("a.bin", 0, SIZE).getReader();
  await reader.read();
  assert.equal(openFiles(at.root).length, 1);
  for (let next = await reader.read(); !next.done; next = await reader.read());
  await nothingOpen(at);
});

openTest("a cancelled stream closes its file, however far it was", async (at) => {
  await put(at.store, "a.bin", Buffer.alloc(SIZE));
  for (const pulls of [0, 1, 3]) {
    const reader = at.store.read("a.bin", 0, SIZE).getReader();
    for (let count = 0; count < pulls; count++) await reader.read();
    await reader.cancel();
    assert.deepEqual(openFiles(at.root), [], `after ${pulls} reads`);
  }
});

openTest("streams that are cancelled while they open or read close their files", async (at) => {
  await put(at.store, "a.bin", Buffer.alloc(SIZE));
  for (let count = 0; count < 100; count++) {
    const reader = at.store.read("a.bin", 0, SIZE).getReader();
    const reading = reader.read();
    // Some streams are still opening, others are already reading.
    for (let turn = 0; turn < count % 7; turn++) await new Promise((resolve) => setImmediate(resolve));
    await reader.cancel();
    await reading;
  }
  await nothingOpen(at);
});

openTest("a stream that fails closes its file", async (at) => {
  await put(at.store, "a.bin", Buffer.alloc(SIZE));
  const reader = at.store.read("a.bin", 0, SIZE).getReader();
  await reader.read();
  truncateSync(join(at.root, "a.bin"), 10);
  const rest = async (): Promise<void> => {
    for (;;) if ((await reader.read()).done) return;
  };
  await rejectsWith(rest(), "changed");
  await rejectsWith(readAll(at.store.read("a.bin", 5, 11)), "changed");
  await nothingOpen(at);
});
