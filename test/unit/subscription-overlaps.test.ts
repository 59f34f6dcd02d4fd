/** Steps of subscriptions that overlap: with each other, with those of another process, and with a shutdown. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SubscriptionRecords } from "../../src/engine/storage/subscription-record.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { gate } from "../fixture/shared-store.ts";
import { NAME, Rig, storeAnsweringLate, storeWith, twoServers } from "../fixture/subscription-rig.ts";

describe("a delivery", () => {
  it("whose wake is over when its turn comes is not made, and is no failure", async (t) => {
    const rig = await Rig.start(t, undefined, { webhookDeliveries: 1 });
    const names = ["a", "b", "c"].map((id) => ({ root: "", id }));
    for (const name of names) await rig.subscribe({ pattern: name.id }, name);
    await rig.streams.create("a", "x");
    const first = await rig.received();
    for (const path of ["b", "c"]) await rig.streams.create(path, "x");
    const [, removed, empty] = names;
    assert.ok(removed && empty);
    await rig.until("both wakes", async () => {
      const records = [await rig.record(removed), await rig.record(empty)];
      return records.every(({ wake }) => wake?.phase === "due");
    });
    await rig.actions.remove(removed);
    rig.streams.onChange = () => {};
    await rig.streams.streams.remove("c");
    first.answer('{"done": true}');
    await rig.until("the end of the last wake", async () => (await rig.record(empty)).wake === undefined);
    await rig.settle();
    assert.deepEqual([rig.sender.count, rig.failed], [1, []]);
  });

  it("that waits for its turn at a shutdown leaves its wake as it is", async (t) => {
    const rig = await Rig.start(t, undefined, { webhookDeliveries: 1 });
    const [first, waiting] = ["a", "b"].map((id) => ({ root: "", id }));
    assert.ok(first && waiting);
    for (const name of [first, waiting]) await rig.subscribe({ pattern: name.id }, name);
    await rig.streams.create("a", "x");
    await rig.received();
    await rig.streams.create("b", "x");
    await rig.until("its wake", async () => (await rig.record(waiting)).wake?.phase === "due");
    const before = await rig.record(waiting);
    await rig.all.stop();
    assert.deepEqual(await rig.record(waiting), before);
    assert.equal((await rig.record(first)).wake?.phase, "due");
  });

  it("that is due just when a server starts is made at once", async (t) => {
    t.mock.method(Math, "random", () => 0.5);
    const before = await Rig.start(t);
    await before.subscribe();
    await before.streams.create("events/a", "x");
    (await before.received()).answer("", 500);
    const { wake } = await before.phase("due");
    await before.all.stop();
    await before.pass(1_000);
    assert.equal(wake?.untilMs, Date.now());
    const rig = new Rig(t, before.streams.store);
    await rig.all.start();
    assert.equal((await rig.received()).body.wake_id, wake?.id);
  });

  it("is told with its duration, in whole milliseconds", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    let nowMs = 1_000.25;
    const clock = t.mock.method(performance, "now", () => nowMs);
    await rig.streams.create("events/a", "x");
    const { answer } = await rig.received();
    nowMs = 1_250.85;
    answer();
    await rig.settle();
    clock.mock.restore();
    await rig.phase("sent");
    assert.deepEqual(
      rig.delivered.map(({ durationMs }) => durationMs),
      [251],
    );
  });
});

describe("a process", () => {
  it("takes what a worker says of a subscription that it does not know yet", async (t) => {
    const [one, other] = await twoServers(t);
    await one.subscribe();
    await one.streams.create("events/a", "x");
    const received = await one.received();
    assert.equal(other.all.entries.size, 0);
    assert.equal(await other.says(received, { acks: [{ path: "events/a", offset: 1 }], done: true }), false);
    assert.equal((await one.record()).wake, undefined);
    assert.equal(other.all.entries.size, 1);
  });

  it("forgets a subscription that another one has removed, when it finds none", async (t) => {
    let changes = 0;
    const store = storeWith(
      (subscriptions) => ({
        change: async (...change) => {
          changes++;
          await subscriptions.change(...change);
        },
      }),
      { isPrivate: false },
    );
    const [one, other] = await twoServers(t, store);
    await one.subscribe();
    await other.pass(1_000);
    assert.equal(other.all.entries.size, 1);
    await one.actions.remove(NAME);
    // It was created, checked by the other one, and removed.
    assert.deepEqual([one.all.entries.size, changes], [0, 3]);
    await other.streams.create("events/a", "x");
    await other.until("it to be forgotten", () => other.all.entries.size === 0);
    await other.settle();
    assert.deepEqual([one.failed, other.failed, one.sender.count, changes], [[], [], 0, 4]);
  });

  it("keeps a new subscription whose name another one had that is being removed", async (t) => {
    const { store, unanswered } = storeAnsweringLate();
    const rig = await Rig.start(t, store);
    await rig.subscribe();
    let removed: Promise<void> | undefined;
    const answer = await unanswered(async () => {
      removed = rig.actions.remove(NAME);
      await rig.settle();
    });
    const { record, isNew } = await rig.subscribe();
    answer();
    await removed;
    assert.deepEqual([isNew, rig.all.entries.get(NAME)?.record.nonce], [true, record.nonce]);
  });
});

describe("a shutdown", () => {
  it("leaves what grows after it to the next server", async (t) => {
    const rig = await Rig.start(t);
    const { record } = await rig.subscribe();
    await rig.all.stop();
    await rig.streams.create("events/a", "x");
    await rig.settle();
    assert.deepEqual(await rig.record(), record);
  });

  it("is not troubled by a store that fails then", async (t) => {
    let isBroken = false;
    const store = storeWith((subscriptions) => ({
      change: async (...change) => {
        if (isBroken) throw new StreamError("storage", "The disk is gone.");
        await subscriptions.change(...change);
      },
    }));
    const rig = await Rig.start(t, store);
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    await rig.received();
    isBroken = true;
    await rig.all.stop();
    await rig.pass(5_000);
    assert.deepEqual(rig.failed, []);
  });

  it("ends the looks at what other processes change, even during one", async (t) => {
    let looks = 0;
    let held: Promise<void> | undefined;
    const members = (subscriptions: SubscriptionRecords): Partial<SubscriptionRecords> => ({
      list: async () => {
        looks++;
        await held;
        return subscriptions.list();
      },
    });
    const rig = await Rig.start(t, storeWith(members, { isPrivate: false }));
    assert.equal(looks, 1);
    const hold = gate();
    held = hold.promise;
    await rig.pass(1_000);
    assert.equal(looks, 2);
    await rig.all.stop();
    hold.open();
    await rig.pass(3_000);
    assert.equal(looks, 2);
  });
});
