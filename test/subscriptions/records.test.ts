/** Both stores keep subscriptions alike, and none is changed twice at once. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Store } from "../../src/engine/storage/store.ts";
import { guardedStore } from "../../src/engine/storage/store-guard.ts";
import type { SubscriptionRecord } from "../../src/engine/storage/subscription-record.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";

const NAME = { root: "a", id: "s" };

const RECORD: SubscriptionRecord = {
  ...{ ...NAME, nonce: "n", revision: 1, baseUrl: "http://localhost/a", createdAt: "2026-01-01T00:00:00Z" },
  config: { type: "webhook", url: "https://hooks.example/", streams: ["__proto__"], leaseTtlMs: 1_000 },
  streams: [{ path: "__proto__", glob: false, explicit: true, acked: 3, generation: "g", told: 4 }],
  ...{ generation: 1, failures: 0, wake: { id: "w", phase: "sent", untilMs: 5, cause: "__proto__" } },
};

const STORES: Readonly<Record<string, (root: string) => Store>> = {
  "in memory": () => memoryStore(),
  "in memory, guarded": () => guardedStore(memoryStore()),
  "in files": (root) => fileStore({ root }),
  "on the disk": (root) => fileStore({ root, durability: "disk" }),
};

for (const [what, open] of Object.entries(STORES)) {
  describe(`subscriptions ${what}`, () => {
    test("are found as they were stored, and are gone when they were removed", async (t) => {
      const root = await temporaryFolder("subscriptions");
      t.after(() => removeFolder(root));
      const { subscriptions } = open(root);
      assert.ok(subscriptions);
      assert.deepEqual(await subscriptions.list(), []);
      await subscriptions.change(NAME, async (found) => {
        assert.equal(found, undefined);
        return RECORD;
      });
      await subscriptions.change({ root: "", id: "s" }, async (found) => found);
      assert.deepEqual(await subscriptions.list(), [RECORD]);
      assert.deepEqual(await subscriptions.find(NAME), RECORD);
      assert.equal(await subscriptions.find({ root: "", id: "s" }), undefined);
      await subscriptions.change(NAME, async (found) => found && { ...found, revision: 2, generation: 2 });
      assert.deepEqual(await subscriptions.list(), [{ ...RECORD, revision: 2, generation: 2 }]);
      await subscriptions.change(NAME, async () => null);
      await subscriptions.change(NAME, async () => null);
      assert.deepEqual(await subscriptions.list(), []);
    });

    test("are changed by one at a time", async (t) => {
      const root = await temporaryFolder("subscriptions");
      t.after(() => removeFolder(root));
      const store = open(root);
      // Of files, the second store stands for another process.
      const other = what.includes("memory") ? store : open(root);
      await store.subscriptions?.change(NAME, async () => RECORD);
      const add = async ({ subscriptions }: Store): Promise<void> => {
        await subscriptions?.change(NAME, async (found) => {
          await new Promise((resolve) => setImmediate(resolve));
          return found && { ...found, generation: found.generation + 1 };
        });
      };
      await Promise.all(Array.from({ length: 20 }, (_, at) => add(at % 2 ? store : other)));
      assert.equal((await other.subscriptions?.list())?.[0]?.generation, 21);
    });

    test("stay as they are if a change fails, whose error comes back", async (t) => {
      const root = await temporaryFolder("subscriptions");
      t.after(() => removeFolder(root));
      const { subscriptions } = open(root);
      await subscriptions?.change(NAME, async () => RECORD);
      const error = new RangeError("refused");
      await assert.rejects(subscriptions?.change(NAME, () => Promise.reject(error)) ?? Promise.resolve(), error);
      assert.deepEqual(await subscriptions?.list(), [RECORD]);
    });

    test("have one secret, which is made once", async (t) => {
      const root = await temporaryFolder("subscriptions");
      t.after(() => removeFolder(root));
      const store = open(root);
      const other = what.includes("memory") ? store : open(root);
      let made = 0;
      const secrets = [store, other, store].map(({ subscriptions }) =>
        subscriptions?.secret(async () => `secret ${++made}`),
      );
      const found = (await Promise.all(secrets)).map((secret) => secret?.trim());
      assert.deepEqual([found, made], [["secret 1", "secret 1", "secret 1"], 1]);
    });
  });
}

test("a store that fails while it keeps subscriptions is named as the cause", async () => {
  const fail = () => Promise.reject(new Error("db.internal"));
  const broken = { list: fail, find: fail, change: fail, secret: fail };
  const store = Object.assign(memoryStore(), { subscriptions: broken });
  const { subscriptions } = guardedStore(store);
  for (const work of [
    subscriptions?.list(),
    subscriptions?.find(NAME),
    subscriptions?.change(NAME, async () => null),
  ]) {
    await assert.rejects(
      work ?? Promise.resolve(),
      (error) => error instanceof StreamError && error.code === "storage",
    );
  }
});
