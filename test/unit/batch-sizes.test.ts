/** Batches that fit what the store accepts. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { fstream, memoryStore } from "../../mod.ts";
import { BatchSizes } from "../../src/engine/append/batch-sizes.ts";
import { Batcher } from "../../src/engine/append/batcher.ts";
import { Channel } from "../../src/engine/append/channel.ts";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { by, DurableRig, forkOf, type StoredBatch, withBatches, withMembers } from "../fixture/durable-rig.ts";
import { TestHandle } from "../fixture/test-handle.ts";

/** A memory store that accepts only small batches, and the texts of the batches that it gets. */
function smallStore(sizes: Pick<Store, "maxBatchBytes" | "maxWholeBatchBytes">): {
  store: Store;
  batches: StoredBatch[];
} {
  const batches: StoredBatch[] = [];
  return { store: withMembers(withBatches(memoryStore(), batches), sizes), batches };
}

function rig(t: TestContext, store: Store): DurableRig {
  const made = new DurableRig(store);
  t.after(() => made.close());
  return made;
}

describe("the sizes of batches", () => {
  it("are those of the limits, unless the store accepts less", () => {
    const limits = { batchBytes: 100 };
    const sizesOf = (store: ConstructorParameters<typeof BatchSizes>[0]): number[] => {
      const { collected, part, whole } = new BatchSizes(store, limits);
      return [collected, part, whole];
    };
    const { POSITIVE_INFINITY: any } = Number;
    assert.deepEqual(sizesOf({}), [100, any, any]);
    assert.deepEqual(sizesOf({ maxBatchBytes: 60 }), [60, 60, 60]);
    assert.deepEqual(sizesOf({ maxBatchBytes: 600 }), [100, 600, 600]);
    assert.deepEqual(sizesOf({ maxBatchBytes: 60, maxWholeBatchBytes: 1_000 }), [60, 60, 1_000]);
    assert.deepEqual(sizesOf({ maxWholeBatchBytes: 50 }), [100, any, 50]);
  });

  it("follow a store that learns its own when it is opened", () => {
    const store: Pick<Store, "maxBatchBytes"> & { maxBatchBytes?: number } = {};
    const sizes = new BatchSizes(store, { batchBytes: 100 });
    assert.equal(sizes.collected, 100);
    store.maxBatchBytes = 10;
    assert.equal(sizes.collected, 10);
  });

  it("refuse a configured limit that the store can't meet, and adapt the default", () => {
    const store = { maxBatchBytes: 1_000 };
    const assertLimit = (batchBytes: number): void => new BatchSizes(store, { batchBytes }).assertLimit();
    assertLimit(1_000);
    assertLimit(resolveLimits().batchBytes);
    assert.throws(() => assertLimit(1_001), { name: "RangeError", message: /1001.*at most 1000 bytes/ });
    const app = (batchBytes: number) =>
      fstream({ store: withMembers(memoryStore(), store), limits: { batchBytes }, log: () => {} });
    assert.throws(() => app(1_001), RangeError);
  });

  it("are refused when the store is opened, if it knows its own only then", async (t) => {
    const store: { maxBatchBytes?: number; open(): Promise<void> } & Partial<Store> = {
      open: async () => {
        store.maxBatchBytes = 10;
      },
    };
    const app = fstream({
      store: new Proxy(memoryStore(), {
        get: (target, name) => {
          const value: unknown = Reflect.get(name in store ? store : target, name);
          return typeof value === "function" ? value.bind(target) : value;
        },
      }),
      limits: { batchBytes: 11 },
      log: () => {},
    });
    t.after(() => app.close());
    await assert.rejects(app.open(), RangeError);
    await assert.rejects(app.open(), RangeError);
  });
});

describe("a batcher on a store that accepts small batches", () => {
  it("collects pieces up to that size", async () => {
    const handle = new TestHandle();
    const limits = resolveLimits();
    const channel = new Channel("a", handle, new RecentPool(0));
    const batcher = new Batcher(channel, limits, {}, new BatchSizes({ maxBatchBytes: 4 }, limits));
    for (const piece of ["12345", "6", "789"]) batcher.push(Buffer.from(piece));
    await batcher.end("complete");
    assert.deepEqual(handle.stored.map(String), ["1234", "5678", "9"]);
  });
});

describe("streams on a store that accepts small batches", () => {
  it("refuse a whole batch that is too large, and go on", async (t) => {
    const { store } = smallStore({ maxBatchBytes: 4 });
    const it = rig(t, store);
    await it.create("a");
    const error = await rejectsWith(it.append("a", "12345", by("p", 0, 0)), "too_large");
    assert.match(error.message, /at most 4 bytes/);
    await it.append("a", "1234", by("p", 0, 0));
    assert.equal(await it.text("a"), "1234");
    await rejectsWith(it.create("b", "12345"), "too_large");
    assert.equal(await store.stat("b"), undefined, "a creation that is refused leaves nothing");
  });

  it("merge no more than fits", async (t) => {
    const { store, batches } = smallStore({ maxBatchBytes: 4 });
    const it = rig(t, store);
    await it.create("a");
    await Promise.all(["12", "34", "56", "7"].map((text) => it.append("a", text)));
    assert.deepEqual(
      batches.map(({ text }) => text).filter((text) => text !== ""),
      ["1234", "567"],
    );
  });

  it("store a large batch of a plain file in parts, and a whole one if the store can", async (t) => {
    const { store, batches } = smallStore({ maxBatchBytes: 4, maxWholeBatchBytes: 1_000 });
    const handle = await store.claim("plain");
    await handle.release();
    const it = rig(t, store);
    await it.append("plain", "123456789");
    await it.create("a");
    await it.append("a", "123456789");
    assert.deepEqual(
      batches.map(({ text }) => text).filter((text) => text !== ""),
      ["1234", "5678", "9", "123456789"],
    );
  });

  it("copy a fork in parts", async (t) => {
    const { store, batches } = smallStore({ maxBatchBytes: 4 });
    const it = rig(t, store);
    await it.create("a", "1234");
    await it.append("a", "56789".slice(0, 3));
    batches.length = 0;
    await it.create("b", forkOf("a"));
    assert.ok(batches.every(({ text }) => text.length <= 4));
    assert.equal(await it.text("b"), "1234567");
  });
});
