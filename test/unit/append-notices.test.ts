/** What the registry tells of appends that come, of removals, and of failures elsewhere. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AppendRegistry } from "../../src/engine/append/registry.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import type { AppendUpdate, Store } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { Rig, settle } from "../fixture/rig.ts";
import { gate } from "../fixture/shared-store.ts";

test("a follow waits for all appends that are announced", async () => {
  const { registry } = new Rig();
  const done = [registry.announce("a"), registry.announce("a"), registry.announce("b")];
  done[0]?.();
  let isThere = false;
  const leased = registry.lease("a").then((source) => {
    isThere = true;
    return source;
  });
  await settle();
  assert.equal(isThere, false);
  done[1]?.();
  assert.equal(await leased, undefined);
  assert.equal(await registry.lease("a"), undefined, "nothing is announced any more");
});

test("an append waits for a task that needs the path free, and follows it", async () => {
  const rig = new Rig();
  const task = gate();
  const done = rig.registry.whileFree("a", () => task.promise);
  await settle();
  let isAdmitted = false;
  const admitted = rig.admit("a").then((admission) => {
    isAdmitted = true;
    return admission;
  });
  await settle();
  assert.equal(isAdmitted, false);
  task.open();
  await done;
  await (await admitted).end("complete");
});

test("beginnings and removals are told to those that wait at paths, and to the server", async () => {
  const told: string[] = [];
  const registry = new AppendRegistry(memoryStore(), resolveLimits(), {
    removed: (path) => told.push(`event ${path}`),
  });
  registry.notices.listen((path) => told.push(`notice ${path}`));
  const admission = await registry.admit("a");
  assert.deepEqual(told, ["notice a"]);
  await admission.end("complete");
  registry.removed("b");
  assert.deepEqual(told, ["notice a", "notice b", "event b"]);
  new AppendRegistry(memoryStore(), resolveLimits()).removed("c");
});

/** A store in which another process appends to each path, until the watch of it fails. */
function failingWatch(failed: Promise<void>): Store {
  async function* grow(): AsyncGenerator<AppendUpdate, void, void> {
    yield { size: 0 };
    await failed;
    throw new StreamError("storage", "The test fails the watch.");
  }
  return Object.assign(memoryStore(), { watch: async () => grow() });
}

test("a watch that fails is told to the server, if it listens, and ends the append there", async () => {
  const told: string[] = [];
  for (const events of [{ failed: (path: string, { code }: StreamError) => told.push(`${path} ${code}`) }, {}]) {
    const failed = gate();
    const registry = new AppendRegistry(failingWatch(failed.promise), resolveLimits(), events);
    const leased = await registry.lease("a");
    failed.open();
    await settle();
    assert.equal(leased?.source.outcome?.reason, "restarting");
    leased?.leave();
  }
  assert.deepEqual(told, ["a storage"]);
});
