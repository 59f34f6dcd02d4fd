/** What a file store tells of a path: who appends to it, how its last append ended, and what is stored besides. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { encodeOwner, encodeRecord } from "../../src/stores/file/journal/record.ts";
import { keyOf } from "../../src/stores/file/reserved/layout.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { listed, readAll, rejectsWith } from "../contract/store/driver.ts";
import { claimTest, PATH } from "../fixture/claims.ts";
import { OtherProcess } from "../fixture/other-process.ts";
import { asOrdinaryUser, NO_PERMISSIONS } from "../fixture/privileges.ts";

claimTest("a claim that is kept shows as kept, and not as an append in a listing", async ({ root }) => {
  const store = fileStore({ root });
  const seen: unknown[] = [];
  for (const kept of [true, false, undefined]) {
    const handle = await store.claim(PATH, kept === undefined ? {} : { kept });
    const found = await store.stat(PATH);
    seen.push([found?.appending, found?.appending && found.kept, (await listed(store, ""))?.[0]?.appending]);
    await handle.release();
  }
  assert.deepEqual(seen, [
    [true, true, false],
    [true, undefined, true],
    [true, undefined, true],
  ]);
});

claimTest("other processes can see whether a claim is kept", async ({ root, names }) => {
  const store = fileStore({ root });
  // Without another process, this one has a lease of the root, and makes no entries.
  new OtherProcess(root).beat();
  for (const kept of [true, false]) {
    const handle = await store.claim(PATH, { kept });
    const [entry = ""] = names();
    const { isKept } = JSON.parse(readFileSync(join(new OtherProcess(root).folder(PATH), entry), "utf8"));
    assert.equal(isKept, kept ? true : undefined);
    await handle.release();
  }
});

claimTest("a path is kept by others if all that claim it keep it", async ({ root }) => {
  const store = fileStore({ root });
  const keeper = new OtherProcess(root);
  Object.assign(keeper.record, { isKept: true });
  keeper.claim(PATH, 1);
  const kept = await store.stat(PATH);
  assert.deepEqual([kept?.appending, kept?.appending && kept.kept], [true, true]);
  new OtherProcess(root).claim(PATH, 2);
  const both = await store.stat(PATH);
  assert.deepEqual([both?.appending, both !== undefined && "kept" in both], [true, false]);
});

claimTest("what is no session does not make a path appended to", async ({ root, reserved }) => {
  const store = fileStore({ root });
  mkdirSync(reserved.sessions, { recursive: true });
  writeFileSync(join(reserved.sessions, `${keyOf(PATH)}.json`), "torn");
  assert.equal((await store.stat(PATH))?.appending, false);
});

claimTest("an append that has moved elsewhere, where nothing goes on with it, is lost", async ({ root }) => {
  const store = fileStore({ root });
  const handle = await store.claim(PATH);
  await handle.append(Buffer.from("x"));
  await handle.release("restarting");
  const found = await store.stat(PATH);
  assert.deepEqual([found?.appending, found?.ended], [false, "lost"]);
});

claimTest("a later claim has a greater epoch, in any store of the process", async ({ root }) => {
  let last = 0;
  for (const store of [fileStore({ root }), fileStore({ root })]) {
    const handle = await store.claim(PATH);
    assert.ok(handle.epoch > last);
    last = handle.epoch;
    await handle.release();
  }
});

claimTest("a store tells how many bytes it has, and how many are free", async ({ root }) => {
  const store = fileStore({ root });
  assert.equal(await store.usedBytes?.(), "before".length);
  assert.ok(Number(await store.freeBytes?.()) > 0);
});

claimTest("what is on record of a removed stream is found", async ({ root, file }) => {
  const { streams } = fileStore({ root });
  assert.equal(await streams?.find("gone.txt"), undefined);
  const tombstone = { created: true, type: "text/plain", producers: {}, deleted: true } as const;
  await streams?.writeTombstone("gone.txt", tombstone);
  assert.deepEqual(await streams?.find("gone.txt"), tombstone);
  assert.equal(await streams?.find(PATH), undefined);
  renameSync(file, join(root, "gone.txt"));
  assert.equal(await streams?.find("gone.txt"), undefined, "a file that has come since is no stream");
});

claimTest("a link has a row if it leads to a file or folder below the root", async ({ root }) => {
  const store = fileStore({ root });
  mkdirSync(join(root, "dir/below"), { recursive: true });
  for (const [name, target] of [
    ["file", `../${PATH}`],
    ["folder", "below"],
    ["root", ".."],
    ["out", "../.."],
  ] as const) {
    symlinkSync(target, join(root, "dir", name));
  }
  const rows = (await listed(store, "dir"))?.map(({ name, kind, size }) => `${name} ${kind} ${size}`);
  assert.deepEqual(rows, ["below folder 0", "file file 6", "folder folder 0", "root folder 0"]);
});

claimTest(
  "a folder that can't be read is reported",
  async ({ root }) => {
    const store = fileStore({ root });
    mkdirSync(join(root, "closed"));
    chmodSync(root, 0o755);
    chmodSync(join(root, "closed"), 0);
    await asOrdinaryUser(async () => {
      assert.equal((await rejectsWith(store.list("closed"), "denied")).path, "closed");
    });
  },
  { skip: NO_PERMISSIONS ?? false },
);

claimTest("reading a range of any content records nothing", async ({ root, reserved }) => {
  const store = fileStore({ root });
  assert.equal(String(await readAll(store.read(PATH, 0, 3))), "bef");
  assert.ok(!existsSync(reserved.streams));
  await store.stat(PATH);
  assert.ok(existsSync(reserved.streams));
});

claimTest("no path is used while the store's own folder is a link", async ({ root }) => {
  const store = fileStore({ root });
  await store.stat(PATH);
  renameSync(join(root, ".httpfstream"), join(root, "elsewhere"));
  symlinkSync("elsewhere", join(root, ".httpfstream"));
  const { signal } = new AbortController();
  for (const use of [
    () => store.stat(PATH),
    () => store.list(""),
    () => store.claim(PATH),
    () => store.remove(PATH),
    () => readAll(store.read(PATH, 0, 1)),
    () => store.watch?.(PATH, signal),
    () => store.tidy?.(),
  ]) {
    await rejectsWith(Promise.resolve(use()), "storage");
  }
});

/** What the first use of a store sees of bytes that only a journal has. */
for (const [what, use] of [
  ["look", async (store: ReturnType<typeof fileStore>) => (await store.stat(PATH))?.size],
  ["listing", async (store: ReturnType<typeof fileStore>) => (await listed(store, ""))?.[0]?.size],
  ["range", async (store: ReturnType<typeof fileStore>) => (await readAll(store.read(PATH, 0, 12))).length],
] as const) {
  claimTest(`the first ${what} has what a power cut took from the file`, async ({ root, file, reserved }) => {
    const { ino: inode, birthtimeMs: bornMs } = statSync(file);
    const lost = { file: { name: PATH, inode, bornMs }, offset: 6, bytes: Buffer.from(" after"), keptMs: 1 };
    mkdirSync(reserved.journal, { recursive: true });
    const owner = encodeOwner(new OtherProcess(root).record);
    writeFileSync(join(reserved.journal, "theirs"), Buffer.concat([owner, ...encodeRecord(lost)]));
    assert.equal(await use(fileStore({ root })), 12);
  });
}

claimTest("a watched append that ends without a word, and that nothing resumes, is lost", async ({ root, t }) => {
  t.mock.method(globalThis, "setTimeout", (done: () => void) => setImmediate(done));
  const store = fileStore({ root });
  const other = new OtherProcess(root);
  other.claim(PATH);
  const news = await store.watch?.(PATH, new AbortController().signal);
  assert.deepEqual((await news?.next())?.value, { size: 6 });
  other.release(PATH);
  assert.deepEqual((await news?.next())?.value, { size: 6, ended: "lost" });
});
