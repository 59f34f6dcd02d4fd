/** Other processes change files and claims between two checks of a process. */
import assert from "node:assert/strict";
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { AppendUpdate, SessionClaim, SessionRecord, Store, StoreStat } from "../../../src/engine/storage/store.ts";
import { DiskFile } from "../../../src/stores/file/journal/disk-file.ts";
import { RecordFiles } from "../../../src/stores/file/records/record-files.ts";
import { newRecord } from "../../../src/stores/file/records/stream-record.ts";
import { tailDigestSync } from "../../../src/stores/file/records/tail.ts";
import { goByPath } from "../../fixture/second-process.ts";
import { readAll } from "./driver.ts";
import { fileTest } from "./file-root.ts";

/** The sessions of a file store. */
interface Sessions {
  find(path: string): Promise<SessionRecord | undefined>;
  mayBeOpen(path: string): boolean;
}

const record = (graceLeftMs: number): SessionRecord => ({ path: "a.txt", digest: "0".repeat(64), graceLeftMs });

/** A claim that this process has, or has lost. */
const claim = (isOurs: boolean): SessionClaim => ({ epoch: 1, isOurs: () => isOurs });

fileTest("an append that is taken over and ends between two looks is watched to its end", async ({ store, root }) => {
  const handle = await store.claim("a.txt");
  await handle.append(Buffer.from("whole"));
  await goByPath(root);
  const watch = new AbortController();
  const news = await store.watch?.("a.txt", watch.signal);
  const seen: AppendUpdate[] = [];
  const [key] = readdirSync(join(root, ".httpfstream/entries"));
  const claims = join(root, ".httpfstream/entries", String(key));
  const entryOf = (): string => String(readdirSync(claims).find((name) => /^[0-9]/.test(name)));
  seen.push((await news?.next())?.value as AppendUpdate);
  const entry = entryOf();
  // The process that takes over has removed the dead process's entry, but has not made its own yet.
  rmSync(join(claims, entry));
  onLook(store, 1, async () => writeFileSync(join(claims, `ended-complete-2${entry.slice(1)}`), "{}"));
  for (let next = await news?.next(); next && !next.done; next = await news?.next()) seen.push(next.value);
  assert.deepEqual(seen, [{ size: 5 }, { size: 5, ended: "complete" }]);
  watch.abort();
  await handle.release();
});

fileTest("an append that ends between two looks at its record does not count as lost", async ({ store }) => {
  const first = await store.claim("a.txt");
  await first.append(Buffer.from("one "));
  // An append that moves to another process is recorded without an end.
  await first.release("restarting");
  onLook(store, 2, async () => {
    const second = await store.claim("a.txt");
    await second.append(Buffer.from("two"));
    await second.release("complete");
  });
  assert.equal((await store.stat("a.txt"))?.ended, "complete");
});

fileTest("a session of another process keeps its record", async ({ store }) => {
  await store.sessions.save(record(2));
  await store.sessions.save(record(1), claim(false));
  await store.sessions.remove("a.txt", claim(false));
  assert.deepEqual(await store.sessions.find("a.txt"), record(2));
  await store.sessions.save(record(1), claim(true));
  assert.deepEqual(await store.sessions.find("a.txt"), record(1));
  await store.sessions.remove("a.txt", claim(true));
  assert.equal(await store.sessions.find("a.txt"), undefined);
});

fileTest("a file is judged without the descriptors that its append has closed", async ({ store, root, outside }) => {
  writeFileSync(join(outside, "other"), "something else");
  let other = -1;
  const handle = await store.claim("a.txt");
  await handle.append(Buffer.from("whole"));
  const { close } = DiskFile.prototype;
  let found: Promise<StoreStat | undefined> | undefined;
  DiskFile.prototype.close = async function () {
    DiskFile.prototype.close = close;
    await close.call(this);
    // Reuses the number of the descriptor that was closed.
    other = openSync(join(outside, "other"), "r");
    copyFileSync(join(root, "a.txt"), join(root, "copy"));
    renameSync(join(root, "copy"), join(root, "a.txt"));
    found = store.stat("a.txt");
    await found.catch(() => {});
  };
  await handle.release("complete");
  closeSync(other);
  assert.equal((await found)?.generation, handle.generation);
});

/** Runs `work` during the `count`th lookup of an open session. Lookups find none. */
function onLook(store: Store, count: number, work: () => Promise<void>): void {
  const sessions = store.sessions as unknown as Sessions;
  let looks = 0;
  sessions.mayBeOpen = () => true;
  sessions.find = async () => {
    if (++looks === count) await work();
    return undefined;
  };
}

fileTest("a reader that records a new file before its appender sets its generation", async ({ store }) => {
  const { createNow } = RecordFiles.prototype;
  let named: string | undefined;
  RecordFiles.prototype.createNow = function (record) {
    RecordFiles.prototype.createNow = createNow;
    const { file, size, digest } = record;
    const theirs = newRecord(file, { size, digest });
    named = theirs.generation;
    assert.ok(createNow.call(this, theirs));
    return createNow.call(this, record);
  };
  const handle = await store.claim("a.txt");
  assert.equal(handle.generation, named);
  await handle.append(Buffer.from("x"));
  await handle.release("complete");
  assert.equal((await store.stat("a.txt"))?.generation, named);
});

fileTest("a file that is replaced by a copy during a look is the same content", async ({ store, root }) => {
  const first = await store.claim("a.txt");
  await first.append(Buffer.from("one "));
  await first.release("complete");
  const { read } = RecordFiles.prototype;
  const takeOver = (): void => {
    RecordFiles.prototype.read = async function (name) {
      RecordFiles.prototype.read = read;
      // Like a takeover from a stalled server: later appends go into the copy only.
      const copy = join(root, "copy");
      copyFileSync(join(root, "a.txt"), copy);
      appendFileSync(copy, "more");
      const [fd, { size }] = [openSync(copy, "r"), statSync(copy)];
      const known = this.readNow(name);
      assert.ok(known);
      this.writeNow({ ...known, size, digest: tailDigestSync(fd, size) });
      closeSync(fd);
      renameSync(copy, join(root, "a.txt"));
      return read.call(this, name);
    };
  };
  takeOver();
  assert.equal((await store.stat("a.txt"))?.generation, first.generation);
  takeOver();
  assert.equal(String(await readAll(store.read("a.txt", 0, 12, undefined, first.generation))), "one moremore");
});
