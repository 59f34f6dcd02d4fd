/** The hub: one appender a path, in order, until the server closes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Hub } from "../../src/core/hub.ts";
import { resolveLimits } from "../../src/core/limits.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { Rig, settle } from "../fixture/rig.ts";

test("a second appender of a path is refused, one of another path is not", async () => {
  const rig = new Rig();
  const admission = await rig.admit("a");
  const error = await rejectsWith(rig.admit("a"), "conflict");
  assert.match(error.message, /"\/a"/);
  const other = await rig.admit("b");
  await Promise.all([admission.end("complete"), other.end("complete")]);
  await (await rig.admit("a")).end("complete");
});

test("a path is taken from the moment it is asked for, and free again when claiming it fails", async () => {
  const rig = new Rig();
  let claim = (): void => {};
  rig.store.beforeClaim = new Promise((resolve) => {
    claim = resolve;
  });
  const first = rig.admit("a");
  await rejectsWith(rig.admit("a"), "conflict");
  claim();
  await (await first).end("complete");

  await rejectsWith(rig.admit("a/b"), "path_conflict");
  await rejectsWith(rig.admit("a/b"), "path_conflict");
  await rejectsWith(rig.admit(".."), "bad_path");
  await (await rig.admit("a")).end("complete");
});

test("whoever comes while an appender is ending waits for it, and goes on where it ended", async () => {
  const rig = new Rig();
  const first = await rig.admit("a");
  rig.store.holding = true;
  void rig.push(first, "first ");
  const held = await rig.store.next();
  const ended = first.end("complete");
  const second = rig.admit("a");
  await settle();
  await held.store();
  await ended;
  const { appender } = await second;
  assert.equal(appender.channel.size, 6);
  await rig.store.letGo();
  await (await second).end("complete");
});

test("of many who wait for an ending appender one gets the path", async () => {
  const rig = new Rig();
  const first = await rig.admit("a");
  let release = (): void => {};
  rig.store.beforeRelease = new Promise((resolve) => {
    release = resolve;
  });
  const ended = first.end("complete");
  const waiting = Array.from({ length: 5 }, () => rig.admit("a"));
  await settle();
  release();
  await ended;
  const outcomes = await Promise.allSettled(waiting);
  const admitted = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  assert.equal(admitted.length, 1);
  await admitted[0]?.end("complete");
});

test("a failed append frees its path", async () => {
  const rig = new Rig();
  const first = await rig.admit("a");
  rig.store.holding = true;
  void rig.push(first, "x");
  (await rig.store.next()).fail("no_space");
  assert.equal((await first.end("complete")).reason, "lost");
  rig.store.holding = false;
  const second = await rig.admit("a");
  await rig.push(second, "y");
  await second.end("complete");
  assert.equal(String(await rig.stored("a")), "y");
});

test("there is something to follow from the admission to the end", async () => {
  const rig = new Rig();
  assert.equal(await rig.hub.hold("a"), undefined);
  const admission = await rig.admit("a");
  const hold = await rig.hub.hold("a");
  assert.equal(hold?.source, admission.appender.channel);
  hold?.leave();
  await admission.end("complete");
  assert.equal(await rig.hub.hold("a"), undefined);
});

test("closing refuses who is new, ends connections, stores what was taken and waits for every path", async () => {
  const rig = new Rig();
  const admission = await rig.admit("a");
  rig.store.holding = true;
  void rig.push(admission, "taken");
  const held = await rig.store.next();
  rig.hub.onClose(async () => {
    await admission.end("restarting");
  });
  let closed = false;
  const closing = rig.hub.close().then(() => {
    closed = true;
  });
  assert.equal(rig.hub.closing, true);
  assert.throws(() => rig.hub.assertOpen(), { code: "restarting" });
  assert.throws(() => rig.hub.onClose(async () => {}), { code: "restarting" });
  await rejectsWith(rig.admit("b"), "restarting");
  await settle();
  assert.equal(closed, false);
  await held.store();
  await closing;
  assert.equal(String(await rig.stored("a")), "taken");
  await rig.hub.close();
});

test("whoever waits for a path when the server closes is told so", async () => {
  const rig = new Rig();
  const first = await rig.admit("a");
  let release = (): void => {};
  rig.store.beforeRelease = new Promise((resolve) => {
    release = resolve;
  });
  const ended = first.end("complete");
  const waiting = rig.admit("a");
  await settle();
  const closing = rig.hub.close();
  release();
  await ended;
  await rejectsWith(waiting, "restarting");
  await closing;
});

test("a connection that fails to close does not keep the others from closing", async () => {
  const rig = new Rig();
  const closed: string[] = [];
  rig.hub.onClose(() => Promise.reject(new Error("no")));
  const forget = rig.hub.onClose(async () => {
    closed.push("forgotten");
  });
  rig.hub.onClose(async () => {
    closed.push("closed");
  });
  forget();
  await rig.hub.close();
  assert.deepEqual(closed, ["closed"]);
});

test("whoever comes in the moment when the last follower of another process's append leaves has it anew", async () => {
  const store = memoryStore();
  let watches = 0;
  store.watch = async (_path, signal) => {
    watches++;
    return (async function* () {
      yield { size: 0 };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    })();
  };
  const hub = new Hub(store, resolveLimits());
  const first = await hub.hold("a");
  const coming = hub.hold("a");
  first?.leave();
  const second = await coming;
  await settle();
  assert.deepEqual([watches, first?.source.outcome?.reason, second?.source.outcome], [2, "restarting", undefined]);
  second?.leave();
});
