/** The guard around what custom stores have on record of streams and of subscriptions, and around their sizes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StreamRecords } from "../../src/engine/storage/stream-state.ts";
import type { SubscriptionRecord, SubscriptionRecords } from "../../src/engine/storage/subscription-record.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { withMembers } from "../fixture/durable-rig.ts";
import { CAUSE, convertsErrors, guarded } from "../fixture/guarded-store.ts";

const STATE = { created: true, producers: {} };
const NAME = { root: "r", id: "s" };

/** Answers every call with one value, and notes which one it was, on what and with what. */
function answering(calls: unknown[], name: string, answer?: unknown) {
  return async function (this: unknown, ...terms: unknown[]): Promise<unknown> {
    calls.push([name, this, ...terms]);
    return answer;
  };
}

/** The records of streams of a guarded store whose driver has these members. */
function streamsOf(members: object): StreamRecords {
  const driver = memoryStore().streams;
  assert.ok(driver);
  const { streams } = guarded({ streams: withMembers(driver, members) });
  assert.ok(streams);
  return streams;
}

/** The subscriptions of a guarded store whose driver has these members. */
function subscriptionsOf(members: object): SubscriptionRecords {
  const driver = memoryStore().subscriptions;
  assert.ok(driver);
  const { subscriptions } = guarded({ subscriptions: withMembers(driver, members) });
  assert.ok(subscriptions);
  return subscriptions;
}

describe("a guarded store", () => {
  it("is private only if the driver says so", () => {
    for (const [said, isPrivate] of [
      [true, true],
      [false, false],
      [undefined, false],
      ["true", false],
    ] as const) {
      assert.equal(guarded({ isPrivate: said }).isPrivate, isPrivate, String(said));
    }
  });

  it("knows the sizes that the driver knows, and has no records that the driver lacks", async () => {
    const calls: unknown[] = [];
    const members = { freeBytes: answering(calls, "free", 7), usedBytes: answering(calls, "used", 9) };
    const store = guarded(members);
    assert.deepEqual([await store.freeBytes?.(), await store.usedBytes?.()], [7, 9]);
    assert.deepEqual(
      (calls as [string, object][]).map(([name, on]) => [name, Object.hasOwn(on, "freeBytes")]),
      [
        ["free", true],
        ["used", true],
      ],
    );
    await convertsErrors("", async (fail) => guarded({ freeBytes: fail }).freeBytes?.());
    await convertsErrors("", async (fail) => guarded({ usedBytes: fail }).usedBytes?.());
    const least = guarded({});
    for (const member of ["freeBytes", "usedBytes", "streams", "subscriptions"]) assert.ok(!(member in least), member);
  });
});

describe("the guarded records of streams", () => {
  it("pass arguments and results on", async () => {
    const calls: unknown[] = [];
    const members = {
      find: answering(calls, "find", STATE),
      list: answering(calls, "list", ["a"]),
      writeTombstone: answering(calls, "writeTombstone"),
      forget: answering(calls, "forget"),
      addFork: answering(calls, "addFork"),
      removeFork: answering(calls, "removeFork"),
      forksOf: answering(calls, "forksOf", ["f"]),
      renew: answering(calls, "renew"),
      renewal: answering(calls, "renewal", "later"),
    };
    const { streams } = guarded({ streams: members });
    assert.ok(streams);
    assert.equal(await streams.find("a"), STATE);
    assert.deepEqual(await streams.list(), ["a"]);
    await streams.writeTombstone("b", STATE);
    await streams.forget("c");
    await streams.addFork("d", "e");
    await streams.removeFork("f", "g");
    assert.deepEqual(await streams.forksOf("h"), ["f"]);
    await streams.renew?.("i");
    assert.equal(await streams.renewal?.("j"), "later");
    assert.deepEqual(calls, [
      ["find", members, "a"],
      ["list", members],
      ["writeTombstone", members, "b", STATE],
      ["forget", members, "c"],
      ["addFork", members, "d", "e"],
      ["removeFork", members, "f", "g"],
      ["forksOf", members, "h"],
      ["renew", members, "i"],
      ["renewal", members, "j"],
    ]);
  });

  it("lack the optional members that the driver lacks", () => {
    const streams = streamsOf({ renew: undefined, renewal: undefined });
    for (const member of ["renew", "renewal"]) assert.ok(!(member in streams), member);
  });

  it("convert the errors of every member", async () => {
    await convertsErrors("a", (find) => streamsOf({ find }).find("a"));
    await convertsErrors("", (list) => streamsOf({ list }).list());
    await convertsErrors("a", (writeTombstone) => streamsOf({ writeTombstone }).writeTombstone("a", STATE));
    await convertsErrors("a", (forget) => streamsOf({ forget }).forget("a"));
    await convertsErrors("a", (addFork) => streamsOf({ addFork }).addFork("a", "b"));
    await convertsErrors("a", (removeFork) => streamsOf({ removeFork }).removeFork("a", "b"));
    await convertsErrors("a", (forksOf) => streamsOf({ forksOf }).forksOf("a"));
    await convertsErrors("a", async (renew) => streamsOf({ renew }).renew?.("a"));
    await convertsErrors("a", async (renewal) => streamsOf({ renewal }).renewal?.("a"));
  });
});

describe("the guarded subscriptions", () => {
  const RECORD: SubscriptionRecord = {
    ...{ ...NAME, nonce: "n", revision: 1, baseUrl: "http://a", createdAt: "2026-01-01T00:00:00Z" },
    config: { type: "webhook", url: "https://hooks.example/", streams: [], leaseTtlMs: 5_000 },
    ...{ streams: [], generation: 0, failures: 0 },
  };

  it("pass arguments and results on", async () => {
    const calls: unknown[] = [];
    const create = async (): Promise<string> => "new";
    const members = {
      list: answering(calls, "list", [RECORD]),
      find: answering(calls, "find", RECORD),
      secret: answering(calls, "secret", "old"),
      change: answering(calls, "change"),
    };
    const { subscriptions } = guarded({ subscriptions: members });
    assert.ok(subscriptions);
    assert.deepEqual(await subscriptions.list(), [RECORD]);
    assert.equal(await subscriptions.find(NAME), RECORD);
    assert.equal(await subscriptions.secret(create), "old");
    assert.deepEqual(calls, [
      ["list", members],
      ["find", members, NAME],
      ["secret", members, create],
    ]);
  });

  it("store what a change makes of a record", async () => {
    const subscriptions = subscriptionsOf({});
    await subscriptions.change(NAME, async (found) => (found ? undefined : RECORD));
    assert.deepEqual(await subscriptions.find(NAME), RECORD);
    await subscriptions.change(NAME, async (found) => found && { ...found, revision: 2 });
    assert.equal((await subscriptions.find(NAME))?.revision, 2);
    await subscriptions.change(NAME, async () => null);
    assert.equal(await subscriptions.find(NAME), undefined);
  });

  it("convert the errors of every member", async () => {
    await convertsErrors("", (list) => subscriptionsOf({ list }).list());
    await convertsErrors("r", (find) => subscriptionsOf({ find }).find(NAME));
    await convertsErrors("", (secret) => subscriptionsOf({ secret }).secret(async () => ""));
    await convertsErrors("r", (change) => subscriptionsOf({ change }).change(NAME, async () => null));
  });

  it("give back what a change throws, whatever the driver makes of it", async () => {
    const thrown = new Error("The server itself has refused it.");
    const refuse = async (): Promise<never> => {
      throw thrown;
    };
    await assert.rejects(subscriptionsOf({}).change(NAME, refuse), (error) => error === thrown);
    const change: SubscriptionRecords["change"] = async (_, asked) => {
      await asked(undefined).catch(() => {
        throw CAUSE;
      });
    };
    await assert.rejects(subscriptionsOf({ change }).change(NAME, refuse), (error) => error === thrown);
    const failed = await rejectsWith(
      subscriptionsOf({ change: refuse }).change(NAME, async () => null),
      "storage",
    );
    assert.equal(failed.cause, thrown);
  });
});
