/** Leases of appends, in this process and in others: who shares a watch, and when it ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendRegistry, type LeasedSource } from "../../src/engine/append/registry.ts";
import type { Member } from "../../src/engine/follow/broadcast.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { put } from "../contract/store/driver.ts";
import { Rig, settle } from "../fixture/rig.ts";
import { until } from "../fixture/until.ts";
import { sharedStore, updates, type Watch } from "../fixture/watched-store.ts";

test("followers of another process's append share one watch, which ends when the last one leaves", async () => {
  const shared = sharedStore();
  const registry = new AppendRegistry(shared.store, resolveLimits());
  const [first, second] = await Promise.all([registry.lease("a"), registry.lease("a")]);
  const third = await registry.lease("a");
  assert.ok(first && second && third);
  assert.deepEqual([second.source, third.source], [first.source, first.source]);
  const [watch] = shared.watches;
  first.leave();
  first.leave();
  second.leave();
  assert.equal(watch?.signal.aborted, false, "one is left");
  third.leave();
  assert.equal(watch?.signal.aborted, true);
  third.leave();
  assert.equal(shared.watches.length, 1);
});

test("a watch that has just been left is not leased again: its path is watched anew", async () => {
  const shared = sharedStore();
  const registry = new AppendRegistry(shared.store, resolveLimits());
  const first = await registry.lease("a");
  const leasing = registry.lease("a");
  first?.leave();
  const other = await leasing;
  assert.deepEqual(
    shared.watches.map(({ signal }) => signal.aborted),
    [true, false],
  );
  other?.leave();
  assert.equal(shared.watches[1]?.signal.aborted, true);
});

test("each path has a watch of its own", async () => {
  const shared = sharedStore();
  const registry = new AppendRegistry(shared.store, resolveLimits());
  const [one, other] = [await registry.lease("a"), await registry.lease("b")];
  assert.deepEqual([one?.source.path, other?.source.path, shared.watches.length], ["a", "b", 2]);
  one?.leave();
  assert.deepEqual(
    shared.watches.map(({ signal }) => signal.aborted),
    [true, false],
  );
  other?.leave();
});

test("the late end of a watch that was left does not disturb the next one", async () => {
  const shared = sharedStore();
  const registry = new AppendRegistry(shared.store, resolveLimits());
  const first = await registry.lease("a");
  first?.leave();
  const second = await registry.lease("a");
  await until("the end of the first watch", () => first?.source.outcome !== undefined);
  const third = await registry.lease("a");
  assert.equal(third?.source, second?.source);
  assert.equal(shared.watches.length, 2);
  second?.leave();
  third?.leave();
});

test("after the end of another process's append its path is looked up again", async () => {
  const shared = sharedStore();
  const registry = new AppendRegistry(shared.store, resolveLimits());
  const first = await registry.lease("a");
  await shared.watches[0]?.end();
  await until("the end", () => first?.source.outcome !== undefined);
  const second = await registry.lease("a");
  assert.notEqual(second?.source, first?.source);
  assert.equal(second?.source.outcome, undefined);
  shared.isAppended = false;
  second?.leave();
  assert.equal(await registry.lease("a"), undefined);
});

test("a path of another process that can no longer be read is reported, by its name", async () => {
  const shared = sharedStore();
  const failures: string[] = [];
  const onFailure = (path: string, error: Error): void => void failures.push(`${path}: ${error.message}`);
  const registry = new AppendRegistry(shared.store, resolveLimits(), { failed: onFailure });
  const lease = await registry.lease("a");
  await shared.watches[0]?.fail(new Error("gone"));
  await until("the end", () => lease?.source.outcome !== undefined);
  assert.deepEqual(failures, ["a: gone"]);
});

test("a path that no process appends to is looked up for each follower", async () => {
  assert.equal(await new AppendRegistry(memoryStore(), resolveLimits()).lease("a"), undefined, "no driver's watch");
  const store = memoryStore();
  let looks = 0;
  const watches: Watch[] = [];
  const answers = [
    async () => undefined,
    async () => (async function* () {})(),
    () => Promise.reject(new Error("unreadable")),
    async (signal: AbortSignal) => updates(watches, { size: 0 }, signal),
  ];
  store.watch = async (_path, signal) => await answers[looks++]?.(signal);
  const registry = new AppendRegistry(store, resolveLimits());
  assert.equal(await registry.lease("a"), undefined);
  assert.equal(await registry.lease("a"), undefined);
  await assert.rejects(registry.lease("a"), /unreadable/);
  const found = await registry.lease("a");
  assert.ok(found);
  assert.equal(looks, 4);
  found.leave();
});

test("a follower that comes from the other process finds the bytes that it knows of", async () => {
  const shared = sharedStore();
  await put(shared.store, "a", "four");
  const registry = new AppendRegistry(shared.store, resolveLimits());
  const first = await registry.lease("a");
  assert.equal(first?.source.size, 4);
  await put(shared.store, "a", " more");
  const second = await registry.lease("a");
  assert.equal(second?.source.size, 9, "before the watch reports it");
  first?.leave();
  second?.leave();
});

test("a path is watched before its handover, until its former server stops", async () => {
  const shared = sharedStore();
  const registry = new AppendRegistry(shared.store, resolveLimits());
  const stop = await registry.watchHandover("a");
  const follower = await registry.lease("a");
  follower?.leave();
  assert.deepEqual([shared.watches.length, shared.watches[0]?.signal.aborted], [1, false]);
  stop();
  assert.equal(shared.watches[0]?.signal.aborted, true);
  shared.isAppended = false;
  (await registry.watchHandover("a"))();
});

test("a follower that arrives during a claim gets the append, if the claim succeeds", async () => {
  for (const path of ["a", "a/b"]) {
    const rig = new Rig();
    await rig.store.append("a", "x");
    let claim = (): void => {};
    rig.store.beforeClaim = new Promise((resolve) => {
      claim = resolve;
    });
    const admission = rig.registry.admit(path).catch(() => undefined);
    await until("the claim", () => rig.store.claims > 0);
    const leases: (LeasedSource | undefined)[] = [];
    void rig.registry.lease(path).then((found) => leases.push(found));
    await settle();
    assert.equal(leases.length, 0, "it waits for the claim");
    claim();
    const admitted = await admission;
    await settle();
    assert.equal(leases.length, 1);
    assert.equal(leases[0]?.source, admitted?.batcher.channel);
    assert.equal(admitted === undefined, path === "a/b");
    await admitted?.end("complete");
  }
});

test("a follower of an append that is handed over gets what continues it, and not what has ended", async () => {
  for (const reason of ["restarting", "complete"] as const) {
    const shared = sharedStore();
    const registry = new AppendRegistry(shared.store, resolveLimits());
    const { batcher, end } = await registry.admit("a");
    const next = new Promise<LeasedSource | undefined>((resolve) => {
      const member: Member = { take: () => true, dismissed: () => resolve(registry.lease("a")) };
      batcher.channel.broadcast.join(member);
    });
    await end(reason);
    const found = await next;
    if (reason === "complete") assert.equal(found?.source, batcher.channel, "it has every byte");
    else assert.equal(found?.source.outcome, undefined);
    found?.leave();
    assert.equal(shared.watches.length, reason === "complete" ? 0 : 1);
  }
});
