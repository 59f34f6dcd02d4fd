/** How a follow that outlasts appends looks at the store, and reads it. */
import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { StandingFollows } from "../../src/engine/standing/standing-follows.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { retains } from "../fixture/memory.ts";
import { settle } from "../fixture/rig.ts";
import { closeServers, SessionServer, SharedStore } from "../fixture/shared-store.ts";
import { breakReads, finish, StandingRig } from "../fixture/standing.ts";
import { TestSink } from "../fixture/test-sink.ts";

afterEach(() => mock.timers.reset());

const changed = new StreamError("changed", "It has fewer bytes.");

test("all followers of a path share one look", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  const all = await Promise.all(Array.from({ length: 10 }, () => rig.begin()));
  const before = rig.store.stats;
  await rig.notify();
  assert.ok(rig.store.stats - before <= 2, `${rig.store.stats - before} looks`);
  for (const running of all) await finish(running);
});

test("what another process writes is found within a second, while there is a follower", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const rig = new StandingRig(true);
  const running = await rig.begin();
  await rig.store.append("a", "abc");
  mock.timers.tick(1_000);
  await settle();
  assert.equal(String(running.sink.bytes), "abc");
  await finish(running);
  const before = rig.store.stats;
  mock.timers.tick(10_000);
  await settle();
  assert.equal(rig.store.stats, before);
});

test("if no other process can write to the store, nothing looks at it", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const rig = new StandingRig();
  const running = await rig.begin();
  const before = rig.store.stats;
  mock.timers.tick(10_000);
  await settle();
  assert.equal(rig.store.stats, before);
  await finish(running);
});

test("a read that finds less than the look is repeated once; if it happens again, the follow fails", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  rig.seen = (found) => found && { ...found, size: 9 };
  const reads = rig.store.reads;
  const failed = await rig.begin({ offset: 3 });
  assert.equal((failed.end as StreamError).code, "changed");
  assert.equal(rig.store.reads - reads, 2);
  failed.follow.leave();
});

test("a read that finds less only once does no harm", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  for (let times = 0; times < 3; times++) {
    let isFirst = true;
    rig.seen = (found) => {
      const size = isFirst ? 9 : 3;
      isFirst = false;
      return found && { ...found, size };
    };
    const running = await rig.begin({ offset: 3 });
    assert.deepEqual(running.told, ["idle 3 complete"]);
    // And again later, since it has waited in between.
    isFirst = true;
    await rig.notify();
    assert.equal(running.end, undefined);
    await finish(running);
  }
});

test("an append that ended since the look is looked for again, before anything is told", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  let looks = 0;
  rig.seen = (found) => found && (looks++ === 0 ? { ...found, appending: true, ended: "unknown" } : found);
  const running = await rig.begin({ offset: 3 });
  assert.deepEqual(running.told, ["idle 3 complete"]);
  await finish(running);
});

test("an append of which nothing can be followed is looked for again, and then waited for", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  rig.seen = (found) => found && { ...found, appending: true, ended: "unknown" };
  const before = rig.store.stats;
  const running = await rig.begin({ offset: 3 });
  assert.deepEqual(running.told, ["idle 3 unknown"]);
  assert.ok(rig.store.stats - before <= 6, `${rig.store.stats - before} looks`);
  rig.seen = undefined;
  await rig.notify();
  assert.deepEqual(running.told, ["idle 3 unknown", "idle 3 complete"]);
  await finish(running);
});

test("a read that breaks off after some bytes is continued, any number of times", async () => {
  const rig = new StandingRig();
  await rig.put("abcdef");
  breakReads(rig, { bytes: 2, error: changed }, { bytes: 2, error: changed });
  const running = await rig.begin();
  assert.deepEqual([String(running.sink.bytes), running.told], ["abcdef", ["idle 6 complete"]]);
  await finish(running);
});

test("a read that comes to nothing is repeated again after one that succeeded", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  const sizes = [9, 3, 9, 3];
  rig.seen = (found) => found && { ...found, size: sizes.shift() ?? 3 };
  const running = await rig.begin({ offset: 2 });
  assert.deepEqual([running.end, String(running.sink.bytes)], [undefined, "c"]);
  await finish(running);
});

test("a read that fails otherwise ends the follow at once", async () => {
  for (const error of [new StreamError("storage", "no read"), new Error("no read")]) {
    const rig = new StandingRig();
    await rig.put("abc");
    const reads = rig.store.reads;
    breakReads(rig, { bytes: 0, error });
    const running = await rig.begin();
    assert.equal(running.end, error);
    assert.equal(rig.store.reads - reads, 1);
    running.follow.leave();
  }
});

test("a read that breaks off during an append is repeated, and nothing is told", async () => {
  const rig = new StandingRig();
  const admission = await rig.admit();
  await rig.push(admission, "abc");
  breakReads(rig, { bytes: 0, error: changed });
  const running = await rig.begin();
  assert.deepEqual([String(running.sink.bytes), running.told], ["abc", []]);
  await finish(running);
  await admission.end("complete");
});

test("while nothing is appended, a look does not search for an append", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  const running = await rig.begin();
  const find = mock.method(rig.store.sessions, "find");
  const [finds, looks] = [find.mock.callCount(), rig.store.stats];
  await rig.notify();
  assert.ok(rig.store.stats > looks);
  assert.equal(find.mock.callCount() - finds, rig.store.stats - looks, "only the store itself looks for one");
  find.mock.restore();
  await finish(running);
});

test("the append of another process is leased until the follow has left", async () => {
  const store = new SharedStore();
  store.shareAppends();
  const [theirs, ours] = [new SessionServer(store), new SessionServer(store)];
  const admission = await theirs.registry.admit("a");
  admission.connect({});
  const standing = new StandingFollows(ours);
  const open = () => standing.open("a", { start: "now", generation: undefined });
  const unused = await open();
  unused.leave();
  await settle();
  assert.equal(store.count("unwatch"), 1);
  await assert.rejects(standing.open("a", { start: { offset: 5 }, generation: undefined }), { code: "range" });
  await settle();
  assert.equal(store.count("unwatch"), 2);
  const follow = await open();
  const ended = follow.run(new TestSink(), { text: false });
  await settle();
  assert.equal(store.count("unwatch"), 2);
  follow.stop();
  assert.equal(await ended, "gone");
  await settle();
  assert.equal(store.count("unwatch"), 3);
  follow.leave();
  await admission.end("complete");
  await closeServers();
});

test("a path whose followers have left is forgotten", async () => {
  const rig = new StandingRig();
  const open = async (path: string): Promise<void> => {
    const follow = await rig.standing.open(path, { start: "now", generation: undefined });
    follow.leave();
  };
  await open("a");
  await retains(2_000_000, async () => {
    for (let path = 0; path < 20_000; path++) await open(`path ${path}`);
  });
  await open("a");
});
