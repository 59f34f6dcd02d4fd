/** What the followers of another process's append get: its growth, its content, and its end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";
import { RemoteChannel } from "../../src/engine/follow/remote.ts";
import type { AppendUpdate } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { put } from "../contract/store/driver.ts";
import { settle } from "../fixture/rig.ts";
import { type SharedStore, sharedStore, updates, type Watch } from "../fixture/watched-store.ts";

/** Opens the append of another process, with a live member. */
async function open(shared: SharedStore) {
  const told: string[] = [];
  const remote = await RemoteChannel.open(
    "a",
    shared.store,
    () => told.push("over"),
    (error) => told.push(`failed: ${error.code} ${error.message}`),
  );
  assert.ok(remote);
  const taken: string[] = [];
  const member = {
    take: ({ bytes }: { bytes: Uint8Array }) => taken.push(Buffer.from(bytes).toString()) > 0,
    dismissed: () => void taken.push("the end"),
  };
  const watch = shared.watches.at(-1) as Watch;
  const tell = async (growth: AppendUpdate): Promise<void> => {
    await watch.tell(growth);
    await settle();
  };
  return { remote, member, taken, told, watch, tell };
}

/** Counts the calls of a store's `read`. */
function countReads({ store }: SharedStore): () => number {
  const { read } = store;
  let reads = 0;
  store.read = (...range) => {
    reads++;
    return read.apply(store, range);
  };
  return () => reads;
}

test("live members get what the path grows by, once and in order", async () => {
  const shared = sharedStore();
  await put(shared.store, "a", "old ");
  const { remote, member, taken, watch, tell } = await open(shared);
  remote.broadcast.join(member);
  assert.equal(remote.size, 4);
  await put(shared.store, "a", "one ", "two ", "three");
  await Promise.all([watch.tell({ size: 8 }), watch.tell({ size: 12 }), remote.refresh()]);
  await settle();
  await tell({ size: 17 });
  assert.deepEqual([taken.join(""), remote.size], ["one two three", 17]);
  const reads = countReads(shared);
  await tell({ size: 17 });
  await tell({ size: 5 });
  assert.deepEqual([taken.join(""), remote.size, reads()], ["one two three", 17, 0]);
});

test("bytes that come with the growth are passed on, and not read", async () => {
  const shared = sharedStore();
  await put(shared.store, "a", "old ");
  const { remote, member, taken, tell } = await open(shared);
  remote.broadcast.join(member);
  const reads = countReads(shared);
  await put(shared.store, "a", "one ", "two ", "three ", "four");
  await tell({ size: 8, bytes: Buffer.from("one ") });
  await tell({ size: 12, bytes: Buffer.from("two ") });
  assert.deepEqual([taken, remote.size, reads()], [["one ", "two "], 12, 0]);
  await tell({ size: 18 });
  assert.deepEqual([taken.at(-1), reads()], ["three ", 1], "the driver had them no more");
  await tell({ size: 22, bytes: Buffer.from("four") });
  assert.deepEqual([taken.join(""), remote.size, reads()], ["one two three four", 22, 1]);
});

test("of bytes that a look has found already only the rest is passed on, and of none that do not follow", async () => {
  const shared = sharedStore();
  const { remote, member, taken, tell } = await open(shared);
  remote.broadcast.join(member);
  await put(shared.store, "a", "one two three");
  const { stat } = shared.store;
  shared.store.stat = async (path) => {
    const found = await stat.call(shared.store, path);
    return found && { ...found, size: 6 };
  };
  await remote.refresh();
  await tell({ size: 8, bytes: Buffer.from("one two ") });
  await tell({ size: 4, bytes: Buffer.from("one ") });
  assert.deepEqual([taken, remote.size], [["one tw", "o "], 8]);
  const reads = countReads(shared);
  await tell({ size: 13, bytes: Buffer.from("ee") });
  assert.deepEqual([taken.join(""), reads()], ["one two three", 1]);
});

test("the growth of a stream may say whether it is closed, so that nothing is looked up", async () => {
  const shared = sharedStore();
  const handle = await shared.store.claim("a");
  await handle.append(new Uint8Array(0), { created: true });
  const { remote, member, taken, tell } = await open(shared);
  remote.broadcast.join(member);
  let looks = 0;
  const { stat } = shared.store;
  shared.store.stat = async (path) => {
    looks++;
    return stat.call(shared.store, path);
  };
  await handle.append(Buffer.from("one "));
  await tell({ size: 4, bytes: Buffer.from("one "), closed: false });
  assert.deepEqual([remote.finalSize, looks], [undefined, 0]);
  await handle.append(Buffer.from("two"), { closed: {} });
  await tell({ size: 7, bytes: Buffer.from("two"), closed: true });
  assert.deepEqual([taken, remote.finalSize, looks], [["one ", "two"], 7, 0]);
});

test("a stream may be closed without a byte more", async () => {
  const shared = sharedStore();
  const { remote, tell } = await open(shared);
  await put(shared.store, "a", "one");
  await tell({ size: 3, bytes: Buffer.from("one"), closed: false });
  await tell({ size: 3, closed: true });
  assert.equal(remote.finalSize, 3);
});

test("a follower that lags a little gets what the live members got, and reads nothing", async () => {
  const shared = sharedStore();
  const pool = new RecentPool(1_000);
  const remote = await RemoteChannel.open("a", shared.store, () => {}, assert.fail, pool);
  assert.ok(remote);
  const slow = { take: () => false, dismissed: () => {} };
  remote.broadcast.join(slow);
  await shared.watches[0]?.tell({ size: 4, bytes: Buffer.from("one ") });
  await shared.watches[0]?.tell({ size: 7, bytes: Buffer.from("two") });
  await settle();
  assert.deepEqual(
    [0, 4].map((offset) => Buffer.from(remote.broadcast.recent(offset)?.bytes ?? []).toString()),
    ["one ", "two"],
  );
});

test("followers that join at once share looks", async () => {
  const shared = sharedStore();
  const { remote } = await open(shared);
  let looks = 0;
  const { stat } = shared.store;
  shared.store.stat = async (path) => {
    looks++;
    return stat.call(shared.store, path);
  };
  await Promise.all(Array.from({ length: 100 }, () => remote.refresh()));
  assert.equal(looks, 2, "one that was under way, and one that began after the last of them came");
});

test("while there is no live member, nothing is read", async () => {
  const shared = sharedStore();
  const reads = countReads(shared);
  const { remote, member, taken, tell } = await open(shared);
  await put(shared.store, "a", "unseen ");
  await tell({ size: 7 });
  assert.deepEqual([remote.size, reads()], [7, 0]);
  remote.broadcast.join(member);
  await put(shared.store, "a", "seen");
  await tell({ size: 11 });
  assert.deepEqual([taken, remote.size, reads()], [["seen"], 11, 1]);
});

test("the end is what the last update says; without one the append may continue elsewhere", async () => {
  for (const [updated, reason] of [
    [[{ size: 0 }, { size: 0, ended: "complete" }], "complete"],
    [[{ size: 0, ended: "lost" }], "lost"],
    [[], "restarting"],
  ] as const) {
    const shared = sharedStore();
    const { remote, member, taken, told, watch } = await open(shared);
    remote.broadcast.join(member);
    for (const growth of updated) await watch.tell(growth);
    await watch.end();
    await settle();
    assert.deepEqual([remote.outcome, taken, told], [{ size: 0, reason }, ["the end"], ["over"]]);
    await put(shared.store, "a", "later");
    await remote.refresh();
    assert.equal(remote.size, 0, "what comes later belongs to another append");
  }
});

test("an append whose first update is its last has ended as that says", async () => {
  const shared = sharedStore();
  shared.store.watch = async (_path, signal) => updates(shared.watches, { size: 0, ended: "complete" }, signal);
  const { remote, watch } = await open(shared);
  await watch.end();
  await settle();
  assert.deepEqual(remote.outcome, { size: 0, reason: "complete" });
});

test("a path that can no longer be read is reported, and its followers keep what was read", async () => {
  const shared = sharedStore();
  const { remote, member, taken, told, watch, tell } = await open(shared);
  remote.broadcast.join(member);
  await put(shared.store, "a", "read ");
  await tell({ size: 5 });
  await watch.fail(new Error("gone"));
  await settle();
  assert.deepEqual(remote.outcome, { size: 5, reason: "restarting" });
  assert.deepEqual(
    [taken, told],
    [
      ["read ", "the end"],
      ["failed: storage gone", "over"],
    ],
  );
});

test("other content in place of the followed one ends the append, which is no failure; the watch is left", async () => {
  const shared = sharedStore();
  await put(shared.store, "a", "old");
  const { remote, member, taken, told, watch, tell } = await open(shared);
  remote.broadcast.join(member);
  await shared.store.remove("a");
  await put(shared.store, "a", "new and longer");
  await tell({ size: 14 });
  assert.deepEqual(remote.outcome, { size: 3, reason: "replaced" });
  assert.deepEqual([taken, told, watch.isLeft], [["the end"], ["over"], true]);
});

test("if the path can't be looked up, its size is what the watch says, and its content is what is there", async () => {
  const shared = sharedStore();
  const { stat } = shared.store;
  await put(shared.store, "a", "old ");
  shared.store.watch = async (_path, signal) => updates(shared.watches, { size: 4 }, signal);
  shared.store.stat = () => Promise.reject(new StreamError("denied", "no"));
  const { remote, member, taken, told, tell } = await open(shared);
  assert.deepEqual([remote.size, remote.generation, remote.type], [4, "", undefined]);
  remote.broadcast.join(member);
  await remote.refresh();
  shared.store.stat = stat;
  await put(shared.store, "a", "new");
  await tell({ size: 7 });
  assert.deepEqual([taken, told], [["new"], []]);
  shared.store.stat = async () => undefined;
  await remote.refresh();
  assert.equal(remote.size, 7);
});

test("size, content and type come from one look at the path, after the watch has begun", async () => {
  const shared = sharedStore();
  shared.store.watch = async (_path, signal) => updates(shared.watches, { size: 4 }, signal);
  const handle = await shared.store.claim("a", { type: "text/csv" });
  await handle.append(Buffer.from("more than four"));
  const { remote } = await open(shared);
  assert.deepEqual([remote.size, remote.generation, remote.type], [14, handle.generation, "text/csv"]);
});

test("a look that can't read what it finds does not end the append", async () => {
  const shared = sharedStore();
  const { remote, member, taken, told, tell } = await open(shared);
  remote.broadcast.join(member);
  const { stat } = shared.store;
  shared.store.stat = async () => ({ size: 99, modified: new Date(), generation: remote.generation });
  await put(shared.store, "a", "new");
  await remote.refresh();
  shared.store.stat = stat;
  await tell({ size: 3 });
  assert.deepEqual([remote.outcome, taken, told], [undefined, ["new"], []]);
});

test("without callbacks the end of another process's append is no problem", async () => {
  const shared = sharedStore();
  const remote = await RemoteChannel.open("a", shared.store, () => {});
  await shared.watches[0]?.fail(new Error("gone"));
  await settle();
  assert.deepEqual(remote?.outcome, { size: 0, reason: "restarting" });
});
