/** What the engine does with the notices of other processes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NoticeWait } from "../../src/engine/follow/notice-wait.ts";
import { PathWatch } from "../../src/engine/standing/path-watch.ts";
import type { Store, StoreStat } from "../../src/engine/storage/store.ts";
import { guardedStore } from "../../src/engine/storage/store-guard.ts";
import { memoryStore } from "../../src/stores/memory.ts";
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
  let waited: number | undefined;
  const wait = async (): Promise<void> => {
    waited = undefined;
    waited = await notices.within(100);
  };
  const waiting = wait();
  await settle();
  assert.equal(waited, undefined);
  notice();
  await settle();
  t.mock.timers.tick(2);
  await waiting;
  assert.equal(waited, 2);
  notice();
  const again = wait();
  await settle();
  t.mock.timers.tick(2);
  await again;
  assert.equal(waited, 2, "it does not wait for another one");
  const last = wait();
  t.mock.timers.tick(100);
  await last;
  assert.equal(waited, 100);
  notices.stop();
  assert.equal(listeners.size, 0);
});

test("a store without notices is waited for all the time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const notices = new NoticeWait(memoryStore(), "a");
  const waiting = notices.within(100);
  t.mock.timers.tick(100);
  assert.equal(await waiting, 100);
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
