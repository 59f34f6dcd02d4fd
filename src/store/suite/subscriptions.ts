/**
 * Subscriptions: each change is made alone, and another store sees it.
 * @module
 */
import type { SubscriptionRecord } from "../../engine/storage/subscription-record.ts";
import { assert } from "./assert.ts";
import { type Cases, needing } from "./cases.ts";

const NAME = { root: "folder", id: "a" };

const RECORD: SubscriptionRecord = {
  ...{ ...NAME, nonce: "n", revision: 1, baseUrl: "http://localhost", createdAt: "2026-01-01T00:00:00.000Z" },
  config: { type: "webhook", url: "https://hooks.example/", streams: [], leaseTtlMs: 1_000 },
  streams: [{ path: "x.txt", glob: true, explicit: false, acked: 3, generation: "g", told: 4 }],
  ...{ generation: 1, failures: 0, wake: { id: "w", phase: "sent", untilMs: 5, cause: "x.txt" } },
};

/** The cases. */
export const SUBSCRIPTIONS: Cases = {
  "a subscription is stored, found, listed and removed": needing("subscriptions", async ({ store, again }) => {
    const { subscriptions } = store;
    assert.deepEqual(await subscriptions?.list(), []);
    assert.equal(await subscriptions?.find(NAME), undefined);
    await subscriptions?.change(NAME, async () => RECORD);
    await subscriptions?.change(NAME, async () => undefined);
    assert.deepEqual(await again().subscriptions?.list(), [RECORD]);
    assert.deepEqual(await again().subscriptions?.find(NAME), RECORD);
    assert.equal(await subscriptions?.find({ ...NAME, root: "" }), undefined);
    await again().subscriptions?.change(NAME, async () => null);
    assert.deepEqual(await subscriptions?.list(), []);
  }),

  "changes of a subscription do not overlap": needing("subscriptions", async ({ store, again }) => {
    await store.subscriptions?.change(NAME, async () => RECORD);
    const add = async ({ subscriptions } = store): Promise<void> => {
      await subscriptions?.change(NAME, async (found) => {
        // Another change could read what this one has read.
        await new Promise((resolve) => setTimeout(resolve, 1));
        return found && { ...found, generation: found.generation + 1 };
      });
    };
    const other = again();
    await Promise.all(Array.from({ length: 10 }, (_, at) => add(at % 2 ? store : other)));
    assert.equal((await store.subscriptions?.find(NAME))?.generation, 11);
  }),

  "a change that fails changes nothing": needing("subscriptions", async ({ store }) => {
    await store.subscriptions?.change(NAME, async () => RECORD);
    const error = new RangeError("refused");
    let thrown: unknown;
    await store.subscriptions
      ?.change(NAME, () => Promise.reject(error))
      .catch((reason: unknown) => {
        thrown = reason;
      });
    assert.equal(thrown, error);
    assert.deepEqual(await store.subscriptions?.find(NAME), RECORD);
  }),

  "the secret is made once": needing("subscriptions", async ({ store, again }) => {
    let made = 0;
    const create = async (): Promise<string> => `secret ${++made}`;
    const other = again();
    const secrets = [store, other, store].map(({ subscriptions }) => subscriptions?.secret(create));
    assert.deepEqual(await Promise.all(secrets), ["secret 1", "secret 1", "secret 1"]);
  }),
};
