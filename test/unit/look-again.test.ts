/** A store whose answers may be stale is looked at again before it refuses something. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { fstream } from "../../mod.ts";
import { lookAgain } from "../../src/engine/storage/look-again.ts";
import type { Store, StoreStat } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { put, rejectsWith } from "../contract/store/driver.ts";
import { withMembers } from "../fixture/durable-rig.ts";
import { settle } from "../fixture/rig.ts";
import { SessionServer, SharedStore } from "../fixture/shared-store.ts";
import { StandingRig } from "../fixture/standing.ts";
import { until } from "../fixture/until.ts";

const STALE = { maxStaleMs: 50 };

const past = (size: number): StreamError => new StreamError("range", `The size is ${size}.`, { path: "a" });

/** Answers one after the other; the last one is repeated. */
function answers(...outcomes: (number | Error)[]): { look: () => Promise<number>; count: () => number } {
  let looks = 0;
  const look = async (): Promise<number> => {
    const outcome = outcomes[Math.min(looks++, outcomes.length - 1)];
    if (typeof outcome === "number") return outcome;
    throw outcome;
  };
  return { look, count: () => looks };
}

describe("lookAgain()", () => {
  it("looks once at a store that is never stale", async () => {
    const { look, count } = answers(past(1), 2);
    await rejectsWith(lookAgain({}, look), "range");
    assert.equal(count(), 1);
  });

  it("resolves with the first look that refuses nothing", async () => {
    const { look, count } = answers(past(1), past(2), 3);
    assert.equal(await lookAgain({ maxStaleMs: 60_000 }, look), 3);
    assert.equal(count(), 3);
  });

  it("refuses once a look after the time has the same error as the first one", async () => {
    const { look, count } = answers(past(1));
    await rejectsWith(lookAgain(STALE, look), "range");
    assert.ok(count() >= 2);
    const atOnce = answers(past(1));
    await rejectsWith(lookAgain({ maxStaleMs: 0 }, atOnce.look), "range");
    assert.equal(atOnce.count(), 2);
  });

  it("refuses nothing if the looks disagree: the client is to try again", async () => {
    let size = 0;
    const error = await rejectsWith(
      lookAgain(STALE, async () => {
        throw past(size++);
      }),
      "restarting",
    );
    assert.deepEqual([error.headers, error.path], [{ "Retry-After": "1" }, "a"]);
  });

  it("refuses after two equal looks with a barrier between them, if the store has barriers", async () => {
    const { look, count } = answers(past(1));
    const barriers: string[] = [];
    const store = { maxStaleMs: 60_000, barrier: async (path: string) => void barriers.push(`${path} ${count()}`) };
    await rejectsWith(lookAgain(store, look), "range");
    assert.deepEqual([barriers, count()], [["a 1"], 2]);
  });

  it("sets another barrier if the looks around one disagree", async () => {
    const { look, count } = answers(past(1), past(2));
    const barriers: number[] = [];
    const store = { maxStaleMs: 60_000, barrier: async () => void barriers.push(count()) };
    await rejectsWith(lookAgain(store, look), "range");
    assert.deepEqual([barriers, count()], [[1, 2], 3]);
  });

  it("looks again when a barrier took longer than the store can be stale", async () => {
    const { look, count } = answers(past(1), past(2));
    await rejectsWith(lookAgain({ maxStaleMs: 0, barrier: async () => {} }, look), "range");
    assert.equal(count(), 3);
  });

  it("resolves with what it finds behind a barrier, and fails with one that can't be set", async () => {
    const store = { maxStaleMs: 60_000, barrier: async () => {} };
    assert.equal(await lookAgain(store, answers(past(1), 2).look), 2);
    const without = { maxStaleMs: 60_000, barrier: () => Promise.reject(new StreamError("unavailable", "No quorum.")) };
    await rejectsWith(lookAgain(without, answers(past(1)).look), "unavailable");
  });

  it("does not repeat what fails for another reason", async () => {
    for (const error of [new StreamError("not_found", "no"), new StreamError("unavailable", "no"), new Error("bug")]) {
      const { look, count } = answers(error, 1);
      await assert.rejects(lookAgain(STALE, look), error);
      assert.equal(count(), 1);
    }
  });
});

/** A memory store whose looks find what `seen` makes of what is there. */
function staleStore(seen: (found: StoreStat | undefined) => StoreStat | undefined, maxStaleMs = 60_000): Store {
  const memory = memoryStore();
  return withMembers(memory, { maxStaleMs, stat: async (path) => seen(await memory.stat(path)) });
}

/** Makes the first `looks` answers late: as if nothing but the first two bytes were stored. */
function late(looks: number): (found: StoreStat | undefined) => StoreStat | undefined {
  let left = looks;
  return (found) => (found && left-- > 0 ? { ...found, size: 2 } : found);
}

async function appOn(store: Store, t: TestContext) {
  const app = fstream({ store, log: () => {} });
  t.after(() => app.close());
  return app;
}

describe("an app on a store that may be stale", () => {
  it("answers a read and a follow of bytes that the store does not show yet", async (t) => {
    for (const verb of ["", "&verb=FOLLOW"]) {
      const store = staleStore(late(2));
      await put(store, "a.txt", "hello");
      const app = await appOn(store, t);
      const response = await app.request(`/a.txt?offset=4${verb}`);
      assert.deepEqual([response.status, await response.text()], [200, "o"]);
    }
  });

  it("answers 416 for an offset that is past the end at every look", async (t) => {
    const store = staleStore((found) => found, 200);
    await put(store, "a.txt", "hello");
    const app = await appOn(store, t);
    assert.equal((await app.request("/a.txt?offset=6")).status, 416);
    assert.equal((await app.request("/a.txt", { headers: { Range: "bytes=9-" } })).status, 416);
  });

  it("answers 503 if the store does not settle", async (t) => {
    let size = 0;
    const store = staleStore((found) => found && { ...found, size: size++ }, 200);
    await put(store, "a.txt", "hello");
    const response = await (await appOn(store, t)).request("/a.txt?offset=6000");
    assert.deepEqual([response.status, response.headers.get("Stream-Error")], [503, "restarting"]);
  });

  it("does not refuse a generation that the store does not show yet", async (t) => {
    let late = 0;
    const store = staleStore((found) => found && { ...found, generation: late-- > 0 ? "older" : found.generation });
    await put(store, "a.txt", "hello");
    const app = await appOn(store, t);
    const { generation } = (await store.stat("a.txt")) as StoreStat;
    late = 2;
    const response = await app.request(`/a.txt?generation=${generation}`);
    assert.deepEqual([response.status, await response.text()], [200, "hello"]);
  });

  it("appends with a precondition that the store does not show yet", async (t) => {
    const store = staleStore(late(2));
    await put(store, "a.txt", "hello");
    const app = await appOn(store, t);
    const response = await app.request("/a.txt?verb=APPEND&offset=5", { method: "POST", body: " world" });
    assert.equal(response.status, 200, await response.text());
  });

  it("reads and follows in this program, too", async (t) => {
    for (const what of ["read", "follow"] as const) {
      const store = staleStore(late(2));
      await put(store, "a.txt", "hello");
      const { streams } = await appOn(store, t);
      const bytes = what === "read" ? streams.read("a.txt", { from: 4 }) : streams.follow("a.txt", { offset: 4 });
      assert.equal(await new Response(bytes as ReadableStream<Uint8Array<ArrayBuffer>>).text(), "o");
    }
  });
});

it("a session that the store does not show yet is not gone", async (t) => {
  const store = new SharedStore();
  Object.assign(store, { maxStaleMs: 60_000 });
  const opening = new SessionServer(store);
  const { token, session } = await opening.sessions.open("a");
  await session.shutDown();
  const server = new SessionServer(store);
  t.after(() => Promise.all([opening, server].map(({ registry }) => registry.close())));
  const { find } = store.sessions;
  let left = 2;
  store.sessions.find = async (path) => (left-- > 0 ? undefined : find(path));
  const resumed = await server.sessions.resume("a", token);
  assert.equal(resumed.digest, session.digest);
});

it("a session that the store shows only after the claim keeps its path", async (t) => {
  const store = new SharedStore();
  Object.assign(store, { maxStaleMs: 60_000 });
  await store.sessions.save({ path: "a", digest: "d" });
  const server = new SessionServer(store);
  t.after(() => server.registry.close());
  const { find } = store.sessions;
  // A driver calls the check before the claim.
  const { claim } = store;
  store.claim = async (path, options) => {
    await options?.check?.();
    store.sessions.find = find;
    return claim.call(store, path, options);
  };
  store.sessions.find = async () => undefined;
  await rejectsWith(server.registry.admit("a"), "conflict");
  assert.ok(!server.registry.isTaken("a"));
});

describe("a standing follow on a store that may be stale", () => {
  it("ends only once its content is gone for as long as a look may be late", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const nowMs = t.mock.method(performance, "now", () => 0);
    const rig = new StandingRig();
    Object.assign(rig.store, { maxStaleMs: 5_000 });
    await rig.put("abc");
    const running = await rig.begin();
    rig.seen = () => undefined;
    await rig.notify();
    assert.equal(running.end, undefined, "one look");
    nowMs.mock.mockImplementation(() => 4_999);
    t.mock.timers.tick(1_000);
    await settle();
    assert.equal(running.end, undefined, "it may still be late");
    nowMs.mock.mockImplementation(() => 5_000);
    t.mock.timers.tick(1_000);
    await settle();
    assert.equal(running.end, "deleted");
    running.follow.leave();
  });

  it("ends after two equal looks with a barrier between them, if the store has barriers", async () => {
    const rig = new StandingRig();
    let barriers = 0;
    Object.assign(rig.store, { maxStaleMs: 60_000, barrier: async () => void barriers++ });
    await rig.put("abc");
    const running = await rig.begin();
    rig.seen = () => undefined;
    await rig.notify();
    assert.equal(await running.ended, "deleted");
    assert.equal(barriers, 1);
    running.follow.leave();
  });

  it("goes on if the look behind a barrier finds its content", async () => {
    const rig = new StandingRig();
    const barrier = async (): Promise<void> => {
      rig.seen = undefined;
    };
    Object.assign(rig.store, { maxStaleMs: 60_000, barrier });
    await rig.put("abc");
    const running = await rig.begin();
    rig.seen = () => undefined;
    await rig.notify();
    await rig.put("def");
    await until("all bytes", () => running.sink.bytes.toString() === "abcdef");
    assert.equal(running.end, undefined);
    running.follow.stop();
    assert.equal(await running.ended, "gone");
    running.follow.leave();
  });

  it("goes on if a later look finds its content", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const rig = new StandingRig();
    Object.assign(rig.store, { maxStaleMs: 60_000 });
    await rig.put("abc");
    const running = await rig.begin();
    rig.seen = (found) => found && { ...found, generation: "another" };
    await rig.notify();
    rig.seen = undefined;
    t.mock.timers.tick(1_000);
    await settle();
    await rig.put("def");
    assert.deepEqual([running.end, running.sink.bytes.toString()], [undefined, "abcdef"]);
    running.follow.stop();
    assert.equal(await running.ended, "gone");
    running.follow.leave();
  });

  it("outlasts a store that does not answer", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const rig = new StandingRig();
    await rig.put("abc");
    const running = await rig.begin();
    rig.seen = () => Promise.reject(new StreamError("unavailable", "No quorum."));
    await rig.notify();
    assert.equal(running.end, undefined);
    rig.seen = undefined;
    t.mock.timers.tick(1_000);
    await settle();
    await rig.put("def");
    assert.deepEqual([running.end, running.sink.bytes.toString()], [undefined, "abcdef"]);
    rig.seen = () => Promise.reject(new StreamError("unavailable", "No quorum."));
    await rig.notify();
    running.follow.stop();
    assert.equal(await running.ended, "gone", "it can be stopped meanwhile");
    running.follow.leave();
  });
});
