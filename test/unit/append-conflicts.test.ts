/** What an appender is told that can't have its path, and who is told of the events of an append. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendRegistry } from "../../src/engine/append/registry.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import type { AppendHandle, Store } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { Rig, settle } from "../fixture/rig.ts";
import { TestHandle } from "../fixture/test-handle.ts";

/** A memory store whose next claims yield the handle. */
function storeWith(handle: AppendHandle): Store {
  const store = memoryStore();
  store.claim = async () => handle;
  return store;
}

/** Refuses an append to "a", and returns how many seconds the client should wait. */
async function refusal(registry: AppendRegistry): Promise<string | undefined> {
  const error = await rejectsWith(registry.admit("a"), "conflict");
  assert.equal(error.path, "a");
  return error.headers["Retry-After"];
}

test("an appender that has left makes room for the next one, even while its connection is open", async () => {
  const rig = new Rig();
  const first = await rig.registry.admit("a");
  let hasLeft = false;
  first.connect({
    endIfLeft: () => {
      if (hasLeft) void first.end("complete");
      return hasLeft;
    },
  });
  assert.equal(await refusal(rig.registry), undefined);
  assert.throws(() => rig.registry.assertFree("a"), { code: "conflict" });
  hasLeft = true;
  const second = await rig.registry.admit("a");
  second.connect({});
  await second.end("complete");
  rig.registry.assertFree("a");
});

test("a driver can ask whether an append is about to end, on behalf of another process", async () => {
  const store = memoryStore();
  const claim = store.claim.bind(store);
  const asked: (() => boolean)[] = [];
  store.claim = async (path, options) => {
    asked.push(options?.isLeaving ?? assert.fail("nothing to ask"));
    assert.equal(asked.at(-1)?.(), false, "it is about to begin");
    return claim(path, options);
  };
  const registry = new AppendRegistry(store, resolveLimits());
  const first = await registry.admit("a");
  let hasLeft = false;
  first.connect({
    endIfLeft: () => {
      if (hasLeft) void first.end("complete");
      return hasLeft;
    },
  });
  assert.equal(asked[0]?.(), false);
  hasLeft = true;
  assert.equal(asked[0]?.(), true);
  await first.end("complete");
  const second = await registry.admit("a");
  second.connect({});
  assert.equal(asked[1]?.(), false);
  const ended = second.end("complete");
  assert.equal(asked[1]?.(), true, "what it has accepted is being stored");
  await ended;
});

test("a client learns when the path of a lost appender will be free, if that is known", async () => {
  const rig = new Rig();
  const first = await rig.registry.admit("a");
  let leftMs: number | undefined;
  first.connect({ retryAfterMs: () => leftMs });
  assert.equal(await refusal(rig.registry), undefined);
  leftMs = 2_500;
  assert.equal(await refusal(rig.registry), "3");
  leftMs = 0;
  assert.equal(await refusal(rig.registry), "1");
  await first.end("complete");
});

test("a path with a session on record is reserved for that session", async () => {
  const registry = new AppendRegistry(memoryStore(), resolveLimits());
  const { sessions } = registry.store;
  await sessions.save({ path: "a", digest: "d1" });
  assert.equal(await refusal(registry), "1");
  await sessions.save({ path: "a", digest: "d1", graceLeftMs: 7_000 });
  assert.equal(await refusal(registry), "7");
  await rejectsWith(registry.admit("a", { session: "d2" }), "conflict");
  assert.equal(registry.isTaken("a"), false);
  assert.equal((await registry.store.stat("a"))?.size, undefined, "no refusal leaves a path behind");
  await (await registry.admit("a", { session: "d1" })).end("complete");
});

test("a driver that checks for a session itself is not made to check again", async () => {
  const store = memoryStore();
  const { claim } = store;
  const { find } = store.sessions;
  let looks = 0;
  store.sessions.find = (path) => {
    looks++;
    return find.call(store.sessions, path);
  };
  store.claim = async (path, options) => {
    await options?.check?.();
    looks = 0;
    return await claim.call(store, path, options);
  };
  const registry = new AppendRegistry(store, resolveLimits());
  await (await registry.admit("a")).end("complete");
  assert.equal(looks, 0);
});

test("a conflict with another process tells what is on record of its session", async () => {
  const store = memoryStore();
  const registry = new AppendRegistry(store, resolveLimits({ graceMs: 16_000 }));
  const other = await store.claim("a");
  assert.equal(await refusal(registry), undefined, "it has no session");
  await store.sessions.save({ path: "a", digest: "d" });
  assert.equal(await refusal(registry), "1", "its appender is connected");
  await store.sessions.save({ path: "a", digest: "d", graceLeftMs: 4_000 });
  assert.equal(await refusal(registry), "5", "with the slice that may have just begun");
  store.sessions.find = () => Promise.reject(new Error("unreadable"));
  assert.equal(await refusal(registry), undefined, "the conflict counts, not why nothing more is known");
  await other.release();
});

test("only a conflict is explained by a session on record", async () => {
  const store = memoryStore();
  const registry = new AppendRegistry(store, resolveLimits());
  await store.sessions.save({ path: "a", digest: "d", graceLeftMs: 4_000 });
  for (const error of [
    new StreamError("denied", "It can't be opened."),
    Object.assign(new Error("It is not ours."), { code: "conflict" }),
  ]) {
    store.claim = () => Promise.reject(error);
    await assert.rejects(registry.admit("a"), error);
  }
});

test("events go to the owner once there is one, and failures also to the server", async () => {
  const handle = new TestHandle();
  const failures: unknown[] = [];
  const onFailure = (path: string, { code }: StreamError): void => void failures.push(path, code);
  const registry = new AppendRegistry(storeWith(handle), resolveLimits(), { failed: onFailure });
  const { batcher, connect, end } = await registry.admit("a");
  batcher.push(Buffer.from("early "));
  await batcher.idle;
  const told: unknown[] = [];
  connect({ stored: (offset) => told.push(offset), failed: ({ code }) => told.push(code) });
  assert.deepEqual([told, batcher.error], [[], undefined]);
  batcher.push(Buffer.from("late"));
  await batcher.idle;
  handle.revoke();
  assert.deepEqual(
    [told, failures],
    [
      [10, "fenced"],
      ["a", "fenced"],
    ],
  );
  await end("complete");
});

test("an owner learns of a failure from before its time; one that wants no events gets none", async () => {
  for (const wants of [true, false]) {
    const handle = new TestHandle();
    const registry = new AppendRegistry(storeWith(handle), resolveLimits());
    const { batcher, connect, end } = await registry.admit("a");
    handle.revoke();
    assert.equal(batcher.error?.code, "fenced");
    const told: unknown[] = [];
    connect(wants ? { failed: ({ code }) => told.push(code) } : {});
    assert.deepEqual(told, wants ? ["fenced"] : []);
    assert.equal((await end("complete")).reason, "restarting");
  }
});

test("an owner that wants no events does not disturb the append, or its failure", async () => {
  const handle = new TestHandle();
  const registry = new AppendRegistry(storeWith(handle), resolveLimits());
  const { batcher, connect, end } = await registry.admit("a");
  connect({});
  batcher.push(Buffer.from("stored"));
  await batcher.idle;
  assert.deepEqual([batcher.error], [undefined]);
  handle.failsAfter = 0;
  batcher.push(Buffer.from("lost"));
  await batcher.idle;
  assert.equal(batcher.error?.message, "The test fails the append.");
  assert.deepEqual(await end("complete"), { size: 6, reason: "failed" });
});

test("a shutdown refuses with the time to wait, and ends what has no connection after all connections", async () => {
  const rig = new Rig();
  const order: string[] = [];
  const idle = await rig.registry.admit("a");
  idle.connect({
    shutDown: async () => {
      order.push("without a connection");
      await idle.end("restarting");
    },
  });
  const connected = await rig.admit("b");
  rig.registry.onClose(async () => {
    assert.throws(() => rig.registry.assertOpen(), { code: "restarting", headers: { "Retry-After": "1" } });
    await settle();
    await connected.end("restarting");
    order.push("connected");
  });
  await rig.registry.close();
  assert.deepEqual(order, ["connected", "without a connection"]);
  assert.deepEqual([rig.registry.isTaken("a"), rig.registry.isTaken("b")], [false, false]);
});

test("a shutdown during a claim waits for the claim, and refuses it", async () => {
  const rig = new Rig();
  let claim = (): void => {};
  rig.store.beforeClaim = new Promise((resolve) => {
    claim = resolve;
  });
  const pending = rig.registry.admit("a");
  await settle();
  let isClosed = false;
  const closed = rig.registry.close().then(() => {
    isClosed = true;
  });
  await settle();
  assert.equal(isClosed, false);
  claim();
  await rejectsWith(pending, "restarting");
  await closed;
  assert.equal(rig.registry.isTaken("a"), false);
});
