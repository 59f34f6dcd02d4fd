/** How a channel ends its handle, for drivers that have only what they must have, and for those that have more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AppenderEvents, Batcher } from "../../src/engine/append/batcher.ts";
import { Channel } from "../../src/engine/append/channel.ts";
import type { Member } from "../../src/engine/follow/broadcast.ts";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import type { EndReason } from "../../src/protocol/end-reason.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { settle } from "../fixture/rig.ts";
import { FullHandle, TestHandle } from "../fixture/test-handle.ts";

/** Opens a channel on a handle, with an appender and a live member. */
function open<T extends TestHandle>(handle: T, events?: AppenderEvents) {
  const channel = new Channel("a", handle, new RecentPool(0));
  const batcher = new Batcher(channel, resolveLimits(), ...(events ? [events] : []));
  const taken: string[] = [];
  const member: Member = {
    take: ({ bytes }) => taken.push(Buffer.from(bytes).toString()) > 0,
    dismissed: () => taken.push("the end"),
  };
  channel.broadcast.join(member);
  const push = async (text: string): Promise<void> => {
    batcher.push(Buffer.from(text));
    await batcher.idle;
  };
  return { handle, channel, batcher, taken, push };
}

const gone = (): StreamError => new StreamError("changed", "The file was removed.");

test("a driver with only what it must have can be used", async () => {
  const { handle, channel, batcher, taken, push } = open(new TestHandle(3));
  await push("text");
  assert.deepEqual([channel.size, channel.generation, channel.type], [7, "first", undefined]);
  assert.deepEqual([channel.isRevoked(), channel.handoverRequested], [false, undefined]);
  await channel.leaveEndMarker("complete");
  await batcher.verify();
  assert.equal(batcher.error, undefined);
  assert.deepEqual(await batcher.end("complete"), { size: 7, reason: "complete" });
  assert.deepEqual([handle.calls, taken], [["release complete"], ["text", "the end"]]);
  assert.deepEqual(channel.outcome, { size: 7, reason: "complete" });
});

test("what a driver has besides is used", async () => {
  const { handle, channel, batcher } = open(new FullHandle());
  assert.deepEqual([channel.type, channel.handoverRequested], ["text/plain", handle.handoverRequested]);
  await channel.leaveEndMarker("complete");
  await batcher.verify();
  await batcher.end("complete");
  assert.deepEqual(handle.calls, ["mark complete", "verify", "verify", "release complete"]);
});

test("an append that never began is discarded by a driver that can, and released by others", async () => {
  for (const [handle, unused, call] of [
    [new FullHandle(), true, "discard"],
    [new FullHandle(), false, "release lost"],
    [new TestHandle(), true, "release lost"],
  ] as const) {
    const { batcher } = open(handle);
    await batcher.end("lost", unused);
    assert.equal(handle.calls.at(-1), call);
  }
  const { handle, batcher } = open(new FullHandle());
  await batcher.end("lost");
  assert.equal(handle.calls.at(-1), "release lost", "by default it began");
});

test("an append that another process continues has not ended, whatever happened to it here", async () => {
  for (const reason of ["complete", "lost"] satisfies EndReason[]) {
    const { handle, channel, batcher } = open(new FullHandle());
    handle.taken = true;
    handle.fate = "deleted";
    assert.equal(channel.isRevoked(), true);
    assert.equal((await batcher.end(reason)).reason, "restarting");
    assert.equal(handle.calls.at(-1), "release restarting");
  }
  const { handle, channel, batcher, taken } = open(new TestHandle());
  handle.revoke();
  assert.equal(channel.isRevoked(), true);
  assert.equal((await batcher.end("complete")).reason, "restarting");
  assert.deepEqual([handle.calls, taken], [["release restarting"], ["the end"]]);
});

test("what happened to the content is told by the driver, if it knows", async () => {
  for (const [fate, error, reason] of [
    [undefined, gone(), "deleted"],
    ["replaced", gone(), "replaced"],
    ["failed", gone(), "failed"],
    [undefined, new StreamError("storage", "The disk is broken."), "failed"],
  ] as const) {
    const { handle, batcher } = open(new FullHandle());
    handle.missing = error;
    handle.fate = fate;
    assert.equal((await batcher.end("complete")).reason, reason);
    assert.equal(batcher.error, error);
  }
});

test("a restart does not check what is stored; the next server does", async () => {
  const { handle, batcher } = open(new FullHandle());
  handle.missing = gone();
  assert.equal((await batcher.end("restarting")).reason, "restarting");
  assert.deepEqual(handle.calls, ["release restarting"]);
});

test("a check that fails stops the append, and is not repeated", async () => {
  const failures: StreamError[] = [];
  const { handle, batcher, push } = open(new FullHandle(), { failed: (error) => failures.push(error) });
  handle.missing = gone();
  await batcher.verify();
  await batcher.verify();
  await push("too late");
  assert.equal((await batcher.end("complete")).reason, "deleted");
  assert.deepEqual([failures.length, handle.stored.length, batcher.queued], [1, 0, 0]);
  assert.deepEqual(handle.calls, ["verify", "release deleted"]);
});

test("a check waits until everything accepted is stored", async () => {
  const { handle, batcher } = open(new FullHandle());
  batcher.push(Buffer.from("text"));
  await batcher.verify();
  assert.deepEqual([String(handle.stored[0]), handle.calls], ["text", ["verify"]]);
  await batcher.end("complete");
});

test("a path that is taken over during a write counts nothing more, and reports one failure", async () => {
  for (const fails of [false, true]) {
    const told: unknown[] = [];
    const { handle, batcher } = open(new TestHandle(), {
      stored: (offset) => told.push(offset),
      failed: ({ code }) => told.push(code),
    });
    let store = (): void => {};
    handle.beforeAppend = new Promise((resolve) => {
      store = resolve;
    });
    batcher.push(Buffer.from("being written"));
    await settle();
    batcher.push(Buffer.from("next"));
    handle.revoke();
    assert.equal(batcher.queued, 0);
    if (fails) handle.failsAfter = 0;
    store();
    await batcher.idle;
    assert.deepEqual([told, batcher.queued, batcher.error?.code], [["fenced"], 0, "fenced"]);
    assert.equal(handle.stored.length, 1, "the next batch is not written");
    assert.equal((await batcher.end("complete")).reason, "restarting");
  }
});

test("of a batch that fails halfway, exactly the stored part is published", async () => {
  for (const [failsAfter, published] of [
    [4, ["before", "half"]],
    [0, ["before"]],
  ] as const) {
    const { handle, batcher, taken, push } = open(new TestHandle(10));
    await push("before");
    handle.failsAfter = failsAfter;
    await push("half and the rest");
    assert.deepEqual(await batcher.end("complete"), { size: 16 + failsAfter, reason: "failed" });
    assert.deepEqual(taken, [...published, "the end"]);
    assert.equal(batcher.error?.code, "storage");
  }
});

test("a path that is taken over while a batch waits for the end of the turn is not written to", async (t) => {
  t.mock.method(performance, "now", () => 1_000);
  const { handle, batcher, push } = open(new TestHandle());
  await push("the burst begins");
  batcher.push(Buffer.from("small"));
  await undefined;
  handle.revoke();
  await batcher.idle;
  assert.deepEqual(handle.stored.map(String), ["the burst begins"]);
  assert.equal((await batcher.end("complete")).reason, "restarting");
});
