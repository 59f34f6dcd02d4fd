/** The registry: one appender per path, in order, until the server closes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendRegistry } from "../../src/engine/append/registry.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { Rig, settle } from "../fixture/rig.ts";
import { gate } from "../fixture/shared-store.ts";
import { until } from "../fixture/until.ts";

/** Appends to the path "a" and ends the append at once. */
async function appendTo(rig: Rig, text: string): Promise<void> {
  const admission = await rig.admit("a");
  await rig.push(admission, text);
  await admission.end("complete");
}

test("a second appender of a path is refused, one of another path is not", async () => {
  const rig = new Rig();
  const admission = await rig.admit("a");
  const error = await rejectsWith(rig.admit("a"), "conflict");
  assert.match(error.message, /"\/a"/);
  const other = await rig.admit("b");
  await Promise.all([admission.end("complete"), other.end("complete")]);
  await (await rig.admit("a")).end("complete");
});

test("a path is taken as soon as it is requested, and free again if its claim fails", async () => {
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

test("an appender that arrives while another one is ending waits for it, and continues where it ended", async () => {
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
  const { batcher: appender } = await second;
  assert.equal(appender.channel.size, 6);
  await rig.store.letGo();
  await (await second).end("complete");
});

test("of many appenders that wait for one that is ending, one gets the path", async () => {
  const rig = new Rig();
  const first = await rig.admit("a");
  const released = gate();
  rig.store.beforeRelease = released.promise;
  const ended = first.end("complete");
  const waiting = Array.from({ length: 5 }, () => rig.admit("a"));
  await settle();
  released.open();
  await ended;
  const outcomes = await Promise.allSettled(waiting);
  const admitted = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  assert.equal(admitted.length, 1);
  await admitted[0]?.end("complete");
});

test("offset=N is checked again after the claim: another process may have written meanwhile", async () => {
  for (const [offset, terms] of [
    [0, { offset: 0 }],
    [3, { offset: 3 }],
  ] as const) {
    const rig = new Rig();
    if (offset > 0) await appendTo(rig, "old");
    const claimed = gate();
    rig.store.beforeClaim = claimed.promise;
    const late = rig.registry.admit("a", terms);
    await until("the claim", () => rig.store.claims > (offset > 0 ? 1 : 0));
    rig.store.beforeClaim = Promise.resolve();
    await rig.store.append("a", "new");
    claimed.open();
    const error = await rejectsWith(late, "precondition_failed");
    assert.equal(Number(error.headers["Stream-Next-Offset"]), offset + 3);
    assert.equal(String(await rig.stored("a")), offset > 0 ? "oldnew" : "new");
    await appendTo(rig, "!");
  }
});

test("a condition is checked again after the claim, and a path that the claim created counts as absent", async () => {
  const rig = new Rig();
  const seen: (number | undefined)[] = [];
  const check = (found: { size: number } | undefined): void => void seen.push(found?.size);
  await (await rig.registry.admit("a", { check })).end("complete");
  const claimed = gate();
  rig.store.beforeClaim = claimed.promise;
  const late = rig.registry.admit("a", { check });
  await until("the claim", () => rig.store.claims > 1);
  rig.store.beforeClaim = Promise.resolve();
  await rig.store.append("a", "new");
  claimed.open();
  await (await late).end("complete");
  assert.deepEqual(seen, [undefined, undefined, 0, 3]);
});

test("a path that must exist is not created, even if it was removed in between", async () => {
  const rig = new Rig();
  await appendTo(rig, "old");
  const claimed = gate();
  rig.store.beforeClaim = claimed.promise;
  const late = rig.registry.admit("a", { offset: 3 });
  await until("the claim", () => rig.store.claims > 1);
  rig.store.beforeClaim = Promise.resolve();
  await rig.store.remove("a");
  claimed.open();
  await rejectsWith(late, "precondition_failed");
  assert.equal(await rig.store.stat("a"), undefined);
});

test("a failed append frees its path", async () => {
  const rig = new Rig();
  const first = await rig.admit("a");
  rig.store.holding = true;
  void rig.push(first, "x");
  (await rig.store.next()).fail("no_space");
  assert.equal((await first.end("complete")).reason, "failed");
  rig.store.holding = false;
  const second = await rig.admit("a");
  await rig.push(second, "y");
  await second.end("complete");
  assert.equal(String(await rig.stored("a")), "y");
});

test("a path can be followed from the admission to the end of the append", async () => {
  const rig = new Rig();
  assert.equal(await rig.registry.lease("a"), undefined);
  const admission = await rig.admit("a");
  const lease = await rig.registry.lease("a");
  assert.equal(lease?.source, admission.batcher.channel);
  lease?.leave();
  await admission.end("complete");
  assert.equal(await rig.registry.lease("a"), undefined);
});

test("closing refuses new appenders, ends connections, stores what was received and waits for every path", async () => {
  const rig = new Rig();
  const admission = await rig.admit("a");
  rig.store.holding = true;
  void rig.push(admission, "taken");
  const held = await rig.store.next();
  rig.registry.onClose(async () => {
    await admission.end("restarting");
  });
  let closed = false;
  const closing = rig.registry.close().then(() => {
    closed = true;
  });
  assert.equal(rig.registry.closing, true);
  assert.throws(() => rig.registry.assertOpen(), { code: "restarting" });
  assert.throws(() => rig.registry.onClose(async () => {}), { code: "restarting" });
  await rejectsWith(rig.admit("b"), "restarting");
  await settle();
  assert.equal(closed, false);
  await held.store();
  await closing;
  assert.equal(String(await rig.stored("a")), "taken");
  await rig.registry.close();
});

test("an appender that waits for a path when the server closes is refused", async () => {
  const rig = new Rig();
  const first = await rig.admit("a");
  const released = gate();
  rig.store.beforeRelease = released.promise;
  const ended = first.end("complete");
  const waiting = rig.admit("a");
  await settle();
  const closing = rig.registry.close();
  released.open();
  await ended;
  await rejectsWith(waiting, "restarting");
  await closing;
});

test("a connection that fails to close does not keep the others from closing", async () => {
  const rig = new Rig();
  const closed: string[] = [];
  rig.registry.onClose(() => Promise.reject(new Error("no")));
  const forget = rig.registry.onClose(async () => {
    closed.push("forgotten");
  });
  rig.registry.onClose(async () => {
    closed.push("closed");
  });
  forget();
  await rig.registry.close();
  assert.deepEqual(closed, ["closed"]);
});

test("a follower that arrives while the last one leaves another process's append starts a new watch", async () => {
  const store = memoryStore();
  let watches = 0;
  store.watch = async (_path, signal) => {
    watches++;
    return (async function* () {
      yield { size: 0 };
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    })();
  };
  const registry = new AppendRegistry(store, resolveLimits());
  const first = await registry.lease("a");
  const coming = registry.lease("a");
  first?.leave();
  const second = await coming;
  await settle();
  assert.deepEqual([watches, first?.source.outcome?.reason, second?.source.outcome], [2, "restarting", undefined]);
  second?.leave();
});

test("an append that never began leaves no empty path behind, and removes none that existed before", async () => {
  const store = memoryStore();
  const registry = new AppendRegistry(store, resolveLimits());
  await (await registry.admit("refused")).end("lost", true);
  assert.equal(await store.stat("refused"), undefined);
  await (await registry.admit("kept")).end("complete");
  await (await registry.admit("kept")).end("lost", true);
  assert.equal((await store.stat("kept"))?.size, 0, "it was there before");
  await rejectsWith(
    registry.admit("terms", { prepare: () => Promise.reject(new StreamError("storage", "It can't be remembered.")) }),
    "storage",
  );
  assert.equal(await store.stat("terms"), undefined);
});
