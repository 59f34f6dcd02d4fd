/** Appends are refused while the store has too little free space. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FreeSpace } from "../../src/engine/append/free-space.ts";
import { AppendRegistry } from "../../src/engine/append/registry.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";

/** The free space of a store that has `free()` bytes, and how often the store was asked. */
function spaceOf(free: () => Promise<number | undefined>, storeFreeBytes = 100): { space: FreeSpace; looks: number[] } {
  const looks: number[] = [];
  const freeBytes = (): Promise<number | undefined> => {
    looks.push(performance.now());
    return free();
  };
  const store: Store = Object.assign(memoryStore(), { freeBytes });
  return { space: new FreeSpace(store, resolveLimits({ storeFreeBytes })), looks };
}

async function isRefused(space: FreeSpace): Promise<void> {
  await assert.rejects(space.assertRoom("a.txt"), (error) => {
    assert.ok(error instanceof StreamError);
    assert.deepEqual([error.code, error.path], ["no_space", "a.txt"]);
    assert.equal(new Headers(error.headers).get("Retry-After"), "30");
    return true;
  });
}

test("what the store must keep is enough; one byte less is not", async () => {
  await spaceOf(async () => 100).space.assertRoom("a.txt");
  await isRefused(spaceOf(async () => 99).space);
  await isRefused(spaceOf(async () => 0).space);
});

test("a look counts for a second, also for appends that come during it", async (t) => {
  let nowMs = 5_000;
  t.mock.method(performance, "now", () => nowMs);
  let free = 100;
  const { space, looks } = spaceOf(async () => free);
  await Promise.all([space.assertRoom("a.txt"), space.assertRoom("b.txt")]);
  free = 0;
  nowMs += 999;
  await space.assertRoom("a.txt");
  assert.deepEqual(looks, [5_000]);
  nowMs += 1;
  await isRefused(space);
  free = 100;
  nowMs += 999;
  await isRefused(space);
  nowMs += 1;
  await space.assertRoom("a.txt");
  assert.deepEqual(looks, [5_000, 6_000, 7_000]);
});

test("a store that cannot tell refuses nothing", async () => {
  await spaceOf(async () => undefined).space.assertRoom("a.txt");
  await spaceOf(() => Promise.reject(new Error("no look"))).space.assertRoom("a.txt");
  await new FreeSpace(memoryStore(), resolveLimits()).assertRoom("a.txt");
});

test("if nothing is to be kept, the store is not asked", async () => {
  const { space, looks } = spaceOf(async () => 0, 0);
  await space.assertRoom("a.txt");
  assert.deepEqual(looks, []);
});

test("new appends are refused, a session that is resumed may use what is left", async () => {
  const store: Store = Object.assign(memoryStore(), { freeBytes: async () => 0 });
  const registry = new AppendRegistry(store, resolveLimits());
  await assert.rejects(registry.admit("a.txt"), { code: "no_space" });
  assert.equal(await store.stat("a.txt"), undefined);
  await (await registry.admit("a.txt", { session: "digest" })).end("complete");
});
