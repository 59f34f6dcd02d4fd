/** Subscriptions on servers that start, on stores that fail, and on several servers of one store. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { withMembers } from "../fixture/durable-rig.ts";
import { NAME, Rig, refused, twoServers } from "../fixture/subscription-rig.ts";

describe("a server that starts", () => {
  it("wakes for what was appended while there was none, also of streams that are not linked yet", async (t) => {
    const before = await Rig.start(t);
    await before.subscribe();
    await before.all.stop();
    before.streams.onChange = () => {};
    await before.streams.create("events/new", "x");
    await before.streams.create("other", "x");
    const rig = new Rig(t, before.streams.store);
    await rig.all.start();
    assert.deepEqual(
      (await rig.received()).body.streams.map(({ path, acked_offset }) => [path, Number(acked_offset)]),
      [["events/new", 0]],
    );
  });

  it("wakes for what has grown since of the streams that it knows, and tells of each once", async (t) => {
    const before = await Rig.start(t);
    await before.streams.create("events/a", "old");
    await before.streams.create("events/b", "old");
    await before.subscribe();
    await before.all.stop();
    before.streams.onChange = () => {};
    await before.streams.append("events/b", "new");
    const rig = new Rig(t, before.streams.store);
    await rig.all.start();
    const { body, answer } = await rig.received();
    assert.deepEqual(
      body.streams.map(({ path, acked_offset, has_pending }) => [path, Number(acked_offset), has_pending]),
      [
        ["events/a", 3, false],
        ["events/b", 3, true],
      ],
    );
    answer('{"done": true}');
    await rig.phase(undefined);
    await rig.settle();
    assert.equal(rig.sender.count, 1);
  });

  it("goes on with the other subscriptions if it can't look for streams, and tells the operator", async (t) => {
    const before = await Rig.start(t);
    await before.subscribe();
    await before.streams.create("events/a", "x");
    await before.received();
    await before.all.stop();
    const denied = new StreamError("denied", "The test denies it.", {});
    const rig = new Rig(t, withMembers(before.streams.store, { list: () => Promise.reject(denied) }));
    await rig.all.start();
    assert.match(rig.failed[0]?.[1] ?? "", /subscription "s"/);
    assert.equal((await rig.received()).body.generation, 1);
  });

  it("waits no longer than a lease or a pause may last, whatever the clock says", async (t) => {
    t.mock.method(Math, "random", () => 0.5);
    const before = await Rig.start(t);
    await before.subscribe();
    await before.streams.create("events/a", "x");
    (await before.received()).answer();
    await before.phase("sent");
    await before.all.stop();
    const { store } = before.streams;
    const later = async (phase: "sent" | "due"): Promise<Rig> => {
      await store.subscriptions?.change(NAME, async (found) =>
        found?.wake
          ? { ...found, revision: found.revision + 1, wake: { ...found.wake, phase, untilMs: Date.now() + 3_600_000 } }
          : undefined,
      );
      const rig = new Rig(t, store);
      await rig.all.start();
      return rig;
    };
    const leased = await later("sent");
    await leased.pass(10_950);
    assert.equal(leased.sender.count, 0);
    await leased.pass(100);
    assert.equal((await leased.received()).body.generation, 2);
    await leased.all.stop();
    const paused = await later("due");
    await paused.pass(71_900);
    assert.equal(paused.sender.count, 0);
    await paused.pass(200);
    assert.equal((await paused.received()).body.generation, 2);
  });

  it("does not look again and again at a store of its own", async (t) => {
    const memory = memoryStore();
    const { subscriptions } = memory;
    assert.ok(subscriptions);
    let looks = 0;
    const counted = withMembers(subscriptions, {
      list: async () => {
        looks++;
        return subscriptions.list();
      },
    });
    const rig = await Rig.start(t, withMembers(memory, { subscriptions: counted }));
    await rig.pass(5_000);
    assert.equal(looks, 1);
  });

  it("sends nothing if there is nothing", async (t) => {
    const before = await Rig.start(t);
    await before.streams.create("events/a", "x");
    await before.subscribe();
    await before.all.stop();
    const rig = new Rig(t, before.streams.store);
    await rig.all.start();
    await rig.pass(10_000);
    assert.deepEqual([rig.sender.count, (await rig.record()).generation], [0, 0]);
  });

  it("repeats a delivery of a process that has vanished, when its time is over", async (t) => {
    t.mock.method(Math, "random", () => 0.5);
    const before = await Rig.start(t, undefined, { webhookTimeoutMs: 4_000 });
    await before.subscribe();
    await before.streams.create("events/a", "x");
    const { body } = await before.received();
    const rig = new Rig(t, before.streams.store, { webhookTimeoutMs: 4_000 });
    await rig.all.start();
    assert.equal((await rig.record()).wake?.untilMs, Date.now() + 5_000);
    await rig.pass(5_000);
    await rig.until("the failure", async () => (await rig.record()).failures > 0);
    await rig.pass(1_000);
    await rig.until("a webhook", () => before.sender.waiting + rig.sender.waiting > 0);
    const again = await (rig.sender.waiting > 0 ? rig : before).sender.next();
    assert.equal(again.body.wake_id, body.wake_id);
  });
});

describe("a store that fails", () => {
  it("is told to the operator, and the step is taken again", async (t) => {
    const memory = memoryStore();
    const { subscriptions } = memory;
    assert.ok(subscriptions);
    let isBroken = false;
    const broken = (): void => {
      if (isBroken) throw new StreamError("storage", "The disk is gone.", {});
    };
    const store = withMembers(memory, {
      subscriptions: withMembers(subscriptions, {
        change: async (...change) => {
          broken();
          await subscriptions.change(...change);
        },
      }),
    });
    const rig = await Rig.start(t, store);
    await rig.subscribe();
    isBroken = true;
    await rig.streams.create("events/a", "x");
    await rig.until("the problem", () => rig.failed.length > 0);
    assert.match(rig.failed[0]?.[1] ?? "", /subscription "s"/);
    isBroken = false;
    await rig.streams.append("events/a", "y");
    const received = await rig.received();
    isBroken = true;
    rig.failed.length = 0;
    received.answer('{"done": true}');
    await rig.until("the problem", () => rig.failed.length > 0);
    isBroken = false;
    await rig.pass(30_000);
    assert.ok((await rig.received()).body.generation >= 1);
  });

  it("is asked again after a second for a wake that it could not begin, or not end", async (t) => {
    const memory = memoryStore();
    const { subscriptions } = memory;
    assert.ok(subscriptions);
    let failures = 0;
    let phase: string | undefined;
    const store = withMembers(memory, {
      subscriptions: withMembers(subscriptions, {
        change: (name, change) =>
          subscriptions.change(name, async (found) => {
            const next = await change(found);
            if (next?.wake?.phase === phase && failures-- > 0)
              throw new StreamError("storage", "The disk is gone.", {});
            return next;
          }),
      }),
    });
    const rig = await Rig.start(t, store);
    await rig.subscribe();
    [phase, failures] = ["sending", 2];
    await rig.streams.create("events/a", "x");
    await rig.until("the problem", () => rig.failed.length === 1);
    await rig.pass(950);
    assert.equal(rig.failed.length, 1);
    await rig.pass(50);
    await rig.until("the second problem", () => rig.failed.length === 2);
    await rig.pass(1_000);
    const received = await rig.received();
    assert.deepEqual([received.body.generation, rig.sender.count], [1, 1]);
    [phase, failures] = ["sent", 1];
    received.answer();
    await rig.until("the third problem", () => rig.failed.length === 3);
    assert.deepEqual([...new Set(rig.failed.map(([path]) => path))], [""]);
  });

  it("fails a request, and changes nothing", async (t) => {
    const memory = memoryStore();
    const failure = new StreamError("storage", "The disk is gone.", {});
    const rig = await Rig.start(t, withMembers(memory, { stat: () => Promise.reject(failure) }));
    await assert.rejects(rig.subscribe({ streams: ["a"] }), failure);
    await refused("SUBSCRIPTION_NOT_FOUND", rig.record());
  });

  it("gives the keys later", async (t) => {
    const memory = memoryStore();
    const { subscriptions } = memory;
    assert.ok(subscriptions);
    let isBroken = true;
    const store = withMembers(memory, {
      subscriptions: withMembers(subscriptions, {
        secret: async (create) => {
          if (isBroken) throw new StreamError("storage", "The disk is gone.", {});
          return subscriptions.secret(create);
        },
      }),
    });
    const rig = new Rig(t, store);
    await assert.rejects(rig.all.start(), { code: "storage" });
    isBroken = false;
    await rig.all.start();
    const [one, two] = [await rig.all.keys(), await rig.all.keys()];
    assert.equal(one, two);
  });
});

describe("a store of several processes", () => {
  it("is looked at each second: subscriptions of others are known, and forgotten", async (t) => {
    const [one, other] = await twoServers(t);
    await one.subscribe();
    await other.pass(1_000);
    const [known] = other.all.entries.all;
    await other.pass(1_000);
    assert.deepEqual([other.all.entries.size, other.all.entries.all[0] === known], [1, true]);
    await other.streams.create("events/a", "x");
    await one.until("a webhook", () => one.sender.waiting > 0);
    assert.equal((await one.sender.next()).body.generation, 1);
    await one.pass(20_000);
    await one.actions.remove(NAME);
    await other.pass(1_000);
    assert.equal(other.all.entries.size, 0);
  });

  it("has each wake once, whichever of them plans it", async (t) => {
    const [one, other] = await twoServers(t);
    await one.subscribe();
    await other.pass(1_000);
    await one.streams.create("events/a", "x");
    other.all.changed("events/a");
    const received = await one.received();
    await one.pass(2_000);
    assert.equal(one.sender.count, 1);
    received.answer('{"done": true}');
    await one.phase(undefined);
    await one.pass(2_000);
    assert.equal(one.sender.count, 1);
  });

  it("wakes for a stream that was made at a server which did not know it yet", async (t) => {
    const [one, other] = await twoServers(t);
    await one.subscribe();
    one.streams.onChange = () => {};
    await other.streams.create("events/a", "x");
    assert.equal(one.sender.count, 0);
    await other.pass(1_000);
    assert.equal((await one.received()).body.streams[0]?.path, "events/a");
  });

  it("is looked at as a whole now and then: other programs may have written", async (t) => {
    const [one, other] = await twoServers(t);
    await one.subscribe();
    await other.pass(1_000);
    one.streams.onChange = () => {};
    await one.streams.create("events/a", "x");
    await one.actions.addStreams(NAME, ["events/a"]);
    await one.streams.append("events/a", "y");
    await one.pass(27_000);
    assert.equal(one.sender.count, 0);
    await one.pass(3_000);
    assert.equal((await one.received()).body.streams[0]?.acked_offset, "0000000000000001");
  });

  it("that can't be read is told to the operator, and read again", async (t) => {
    const memory = memoryStore();
    const { subscriptions } = memory;
    assert.ok(subscriptions);
    let isBroken = false;
    const store = withMembers(memory, {
      isPrivate: false,
      subscriptions: withMembers(subscriptions, {
        list: async () => {
          if (isBroken) throw new StreamError("storage", "The disk is gone.", {});
          return subscriptions.list();
        },
      }),
    });
    const rig = await Rig.start(t, store);
    await rig.subscribe();
    isBroken = true;
    await rig.pass(1_000);
    assert.match(rig.failed[0]?.[1] ?? "", /can't be read/);
    assert.equal(rig.all.entries.size, 1);
    isBroken = false;
    await subscriptions.change(NAME, async () => null);
    await rig.pass(1_000);
    assert.equal(rig.all.entries.size, 0);
    await rig.all.stop();
    rig.failed.length = 0;
    isBroken = true;
    await rig.pass(5_000);
    assert.deepEqual(rig.failed, []);
  });
});
