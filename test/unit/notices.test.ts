/** What the engine does with the notices of other processes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NoticeWait } from "../../src/engine/follow/notice-wait.ts";
import { PathWatch } from "../../src/engine/standing/path-watch.ts";
import type { Store, StoreStat } from "../../src/engine/storage/store.ts";
import { guardedStore } from "../../src/engine/storage/store-guard.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { fakeClock } from "../fixture/other-process.ts";
import { settle } from "../fixture/rig.ts";

/** A store whose notices a test gives. */
function noticing(): { store: Store; notice: () => void; listeners: Set<() => void> } {
  const listeners = new Set<() => void>();
  const store = Object.assign(memoryStore(), {
    notices: (_path: string, heard: () => void) => {
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
  });
  return {
    store,
    listeners,
    notice: () => {
      for (const heard of listeners) heard();
    },
  };
}

test("a wait ends with a notice, also with one that has come before it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { store, notice, listeners } = noticing();
  const notices = new NoticeWait(store, "a");
  let isOver = false;
  const wait = async (): Promise<void> => {
    isOver = false;
    await notices.within(100);
    isOver = true;
  };
  const waiting = wait();
  await settle();
  assert.ok(!isOver);
  notice();
  await settle();
  t.mock.timers.tick(2);
  await waiting;
  notice();
  const again = wait();
  await settle();
  // It does not wait for another one.
  t.mock.timers.tick(2);
  await again;
  const last = wait();
  t.mock.timers.tick(99);
  await settle();
  assert.ok(!isOver);
  t.mock.timers.tick(1);
  await last;
  notices.stop();
  assert.equal(listeners.size, 0);
});

test("a store without notices is waited for all the time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const notices = new NoticeWait(memoryStore(), "a");
  const waiting = notices.within(100);
  t.mock.timers.tick(100);
  await waiting;
  notices.stop();
  assert.ok(!notices.isLate);
});

test("the time of all attempts counts, however many notices there are", async (t) => {
  const clock = fakeClock(t);
  const { store, notice } = noticing();
  const notices = new NoticeWait(store, "a", 2_000);
  for (let attempt = 1; attempt <= 4; attempt++) {
    assert.ok(!notices.isLate);
    notice();
    await notices.within(100);
    clock.nowMs += 500;
  }
  assert.ok(notices.isLate);
  notices.stop();
});

test("a guarded store passes notices on", () => {
  const { store, notice, listeners } = noticing();
  let count = 0;
  const stop = guardedStore(store).notices?.("a", () => count++);
  notice();
  stop?.();
  notice();
  assert.deepEqual([count, listeners.size], [1, 0]);
  assert.equal(guardedStore(memoryStore()).notices, undefined);
});

test("a hint makes those who wait look again; without them, the next one", async () => {
  const FOUND: StoreStat = { size: 1, modified: new Date(0), generation: "g" };
  let looks = 0;
  let size = 1;
  const stat = async (): Promise<StoreStat> => {
    looks++;
    return { ...FOUND, size };
  };
  const watch = new PathWatch("a", { stat, onWaiting: () => {} });
  let woken = 0;
  const waiter = { woken: () => void woken++ };
  const look = await watch.look();
  assert.ok(watch.join(waiter, watch.notices, look));
  watch.hinted();
  await settle();
  assert.deepEqual([looks, woken], [2, 0], "nothing has changed");
  size = 2;
  watch.hinted();
  await settle();
  assert.deepEqual([looks, woken], [3, 1]);
  watch.hinted();
  watch.hinted();
  await settle();
  assert.equal(looks, 3, "no one waits");
  const now = await watch.look();
  watch.hinted();
  size = 3;
  assert.ok(watch.join(waiter, watch.notices, now));
  await settle();
  assert.deepEqual([looks, woken], [5, 2]);
  const last = await watch.look();
  assert.ok(watch.join(waiter, watch.notices, last));
  await settle();
  assert.equal(looks, 6, "a look that began after the hint needs no other one");
});
