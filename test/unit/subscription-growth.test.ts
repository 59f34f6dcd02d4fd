/** Streams of subscriptions that grow while something else happens. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NAME, Rig, storeAnsweringLate, twoServers } from "../fixture/subscription-rig.ts";

describe("a stream that grows during a wake", () => {
  it("is looked at after it, unless there are too many to remember", async (t) => {
    const rig = await Rig.start(t, undefined, { subscriptionStreams: 2 });
    await rig.subscribe();
    await rig.streams.create("events/a", "x");
    await rig.received();
    const [entry] = rig.all.entries.all;
    for (let number = 1; number <= 101; number++) rig.all.changed(`events/${number}`);
    await rig.settle();
    assert.deepEqual([entry?.grownCount, rig.failed], [101, []]);
    rig.all.changed("events/102");
    await rig.until("the look", () => entry?.grownCount === 0);
    assert.equal(rig.failed.length, 1, "there are more than may be watched");
  });

  it("is looked at after it also if another process ends it", async (t) => {
    const [one, other] = await twoServers(t);
    await one.subscribe();
    await other.pass(1_000);
    await one.streams.create("events/a", "x");
    const { answer } = await one.received();
    await other.pass(1_000);
    // The process that ends the wake does not know of this one.
    await other.streams.create("events/b", "x");
    answer('{"done": true}');
    await one.phase(undefined);
    await other.settle();
    assert.equal(one.sender.count, 1);
    await other.pass(1_000);
    const { body } = await one.received();
    assert.deepEqual(
      body.streams.map(({ path, has_pending }) => [path, has_pending]),
      [
        ["events/a", false],
        ["events/b", true],
      ],
    );
  });

  it("is not watched if there are more of them already than may be", async (t) => {
    const before = await Rig.start(t);
    await before.streams.create("events/a", "x");
    await before.streams.create("events/b", "x");
    await before.subscribe();
    await before.all.stop();
    const { streams: writers } = before;
    const rig = new Rig(t, writers.store, { subscriptionStreams: 1 });
    await rig.all.start();
    writers.onChange = (path) => rig.all.changed(path);
    await writers.append("events/a", "y");
    const { answer } = await rig.received();
    for (const path of ["events/c", "events/d"]) await writers.create(path, "x");
    answer('{"done": true}');
    const { streams } = await rig.phase(undefined);
    assert.deepEqual([streams.map(({ path }) => path), rig.failed.length], [["events/a", "events/b"], 1]);
  });

  it("stays a stream that a client has named, even if the pattern matches it", async (t) => {
    const rig = await Rig.start(t);
    await rig.subscribe();
    await rig.actions.addStreams(NAME, ["events/a"]);
    await rig.streams.create("events/a", "x");
    (await rig.received()).answer('{"done": true}');
    const { streams } = await rig.phase(undefined);
    assert.deepEqual(
      streams.map(({ path, glob, explicit }) => [path, glob, explicit]),
      [["events/a", false, true]],
    );
  });
});

describe("a stream that grows", () => {
  it("is watched by the pattern, up to the limit, of which the operator is not told", async (t) => {
    const rig = await Rig.start(t, undefined, { subscriptionStreams: 2 });
    await rig.subscribe();
    for (const path of ["events/a", "events/b"]) {
      await rig.streams.create(path, "x");
      (await rig.received()).answer('{"done": true}');
      await rig.phase(undefined);
    }
    const { streams } = await rig.record();
    assert.deepEqual(
      streams.map(({ path, glob, explicit }) => [path, glob, explicit]),
      [
        ["events/a", true, false],
        ["events/b", true, false],
      ],
    );
    assert.deepEqual(rig.failed, []);
  });

  it("is noticed while another one is looked at that has nothing to process", async (t) => {
    const { store, unanswered } = storeAnsweringLate();
    const rig = await Rig.start(t, store);
    await rig.subscribe();
    const answer = await unanswered(async () => {
      rig.all.changed("events/none");
      await rig.settle();
    });
    await rig.streams.create("events/a", "x");
    await rig.settle();
    assert.equal(rig.sender.count, 0);
    answer();
    assert.equal((await rig.received()).body.streams[0]?.path, "events/a");
  });
});
