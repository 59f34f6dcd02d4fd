/** Open files of the store: what they do, synchronously or through the thread pool, and when they are closed. */
import assert from "node:assert/strict";
import fs, { constants, readFileSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { closeFd, OpenedFile, openFd } from "../../src/stores/file/folders/opened-file.ts";
import { quickly } from "../../src/stores/file/folders/quick-calls.ts";
import { NO_DESCRIPTORS, openFiles } from "../fixture/descriptors.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const { O_RDWR, O_CREAT, O_RDONLY } = constants;

async function folderOf(t: TestContext): Promise<string> {
  const folder = await temporaryFolder("opened");
  t.after(() => removeFolder(folder));
  return folder;
}

/** Until the test ends, no call is synchronous: the last one was slow, and the clock stands still. */
function goElsewhere(t: TestContext): void {
  let nowMs = performance.now();
  t.mock.method(performance, "now", () => nowMs);
  while (
    quickly(
      () => (nowMs += 5),
      async () => 0,
    ) instanceof Promise
  )
    nowMs += 5;
}

test("a closed file does nothing more, also if its descriptor belongs to another file", async (t) => {
  const file = join(await folderOf(t), "a.txt");
  writeFileSync(file, "abc");
  const opened = await OpenedFile.open(file, O_RDWR);
  const { fd } = opened;
  await Promise.all([opened.close(), opened.close()]);
  assert.equal(opened.fd, -1);
  const other = await openFd(file, O_RDONLY);
  try {
    assert.equal(other, fd, "the system gives the descriptor to the next file");
    await opened.close();
    for (const use of [
      () => opened.stat(),
      () => opened.truncate(0),
      () => opened.write(Buffer.from("x"), 0, 1, null),
      () => opened.read(Buffer.alloc(1), 0, 1, 0),
    ]) {
      await assert.rejects(use(), { code: "EBADF" });
    }
    assert.equal(readFileSync(other, "utf8"), "abc");
  } finally {
    await closeFd(other);
  }
});

test("a file is closed when its pending calls are done", async (t) => {
  const file = join(await folderOf(t), "a.txt");
  writeFileSync(file, "abc");
  const events: string[] = [];
  const { read, close, closeSync } = fs;
  t.mock.method(fs, "closeSync", (fd: number) => {
    events.push("closed");
    closeSync(fd);
  });
  t.mock.method(fs, "close", ((fd, done) => {
    events.push("closed");
    close(fd, done);
  }) as typeof close);
  let answer = (): void => {};
  t.mock.method(fs, "read", (...call: unknown[]) => {
    answer = () => void Reflect.apply(read, fs, call);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const opened = await OpenedFile.open(file, O_RDONLY);
  const into = Buffer.alloc(3);
  const reading = opened.read(into, 0, 3, 0);
  const closing = opened.close();
  await assert.rejects(opened.read(into, 0, 3, 0), { code: "EBADF" });
  assert.deepEqual(events, []);
  answer();
  assert.deepEqual(await reading, { bytesRead: 3 });
  await closing;
  assert.deepEqual([events, String(into)], [["closed"], "abc"]);
});

for (const where of ["synchronously", "through the thread pool"]) {
  test(`a file is opened, used and closed ${where}`, async (t) => {
    const file = join(await folderOf(t), "a.txt");
    if (where !== "synchronously") goElsewhere(t);
    const opened = await OpenedFile.open(file, O_RDWR | O_CREAT, 0o600);
    const bytes = Buffer.from("0123456789");
    assert.deepEqual(await opened.write(bytes, 0, 10, null), { bytesWritten: 10 });
    assert.deepEqual(await opened.write(bytes, 8, 2, 0), { bytesWritten: 2 });
    await opened.sync();
    await opened.truncate(6);
    await opened.datasync();
    const { size, mode } = await opened.stat();
    assert.deepEqual([size, mode & 0o777], [6, 0o600]);
    const into = Buffer.alloc(8);
    assert.deepEqual(await opened.read(into, 2, 6, 1), { bytesRead: 5 });
    assert.deepEqual([...into], [0, 0, ...Buffer.from("92345"), 0]);
    await opened.close();
    assert.equal(readFileSync(file, "utf8"), "892345");
    const again = await OpenedFile.open(file, O_RDONLY);
    assert.equal(String(await again.readFile()), "892345");
    await again.close();
    await assert.rejects(OpenedFile.open(join(file, "below"), O_RDONLY), { code: "ENOTDIR" });
    if (NO_DESCRIPTORS === undefined) assert.deepEqual(openFiles(file), []);
  });
}
