/** When streams expire, on clocks that the test moves. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Lifetimes } from "../../src/engine/durable/lifetimes.ts";
import type { StreamRecords, StreamState } from "../../src/engine/storage/stream-state.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { DurableRig, forkOf, withMembers } from "../fixture/durable-rig.ts";

const START = Date.UTC(2026, 0, 1);
const TTL: StreamState = { created: true, producers: {}, ttlSeconds: 10 };
const FIXED: StreamState = { created: true, producers: {}, expiresAt: "2026-01-01T00:00:05Z" };

/** Both clocks, and timers. */
class Clocks {
  readonly #context: TestContext;
  #nowMs = 1_000;

  constructor(context: TestContext) {
    this.#context = context;
    context.mock.timers.enable({ apis: ["setInterval", "setTimeout", "Date"], now: START });
    context.mock.method(performance, "now", () => this.#nowMs);
  }

  /** Lets time pass in which the process stands still. */
  stall(milliseconds: number): void {
    this.#nowMs += milliseconds;
  }

  /** Lets time pass. */
  async pass(milliseconds: number): Promise<void> {
    for (let left = milliseconds; left > 0; left -= 100) {
      this.#nowMs += Math.min(100, left);
      this.#context.mock.timers.tick(Math.min(100, left));
      await settle();
    }
  }
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 6; turns++) await turn();
}

/** Lifetimes whose records tell of uses in other processes. */
function lifetimes(t: TestContext, members: Partial<StreamRecords> = {}) {
  const due: string[] = [];
  const memory = memoryStore().streams;
  assert.ok(memory);
  const made = new Lifetimes(withMembers(memory, members), (path) => due.push(path));
  t.after(() => made.stop());
  return { lives: made, due };
}

describe("the time to live of a stream", () => {
  it("begins when it is seen first, and is over after its last use", async (t) => {
    const clocks = new Clocks(t);
    const { lives, due } = lifetimes(t);
    assert.equal(await lives.isOver("a", TTL), false);
    await clocks.pass(9_900);
    assert.equal(await lives.isOver("a", TTL), false);
    lives.use("a", TTL);
    await clocks.pass(9_900);
    assert.equal(await lives.isOver("a", TTL), false);
    assert.deepEqual(due, []);
    await clocks.pass(100);
    assert.equal(await lives.isOver("a", TTL), true);
    await clocks.pass(1_000);
    assert.deepEqual([due[0], due.length > 0], ["a", true]);
  });

  it("is that of now, if the stream was made anew", async (t) => {
    const clocks = new Clocks(t);
    const { lives } = lifetimes(t);
    lives.use("a", TTL);
    await clocks.pass(5_000);
    assert.equal(await lives.isOver("a", { ...TTL, ttlSeconds: 2 }), false);
    await clocks.pass(1_900);
    assert.equal(await lives.isOver("a", { ...TTL, ttlSeconds: 2 }), false);
    await clocks.pass(100);
    assert.equal(await lives.isOver("a", { ...TTL, ttlSeconds: 2 }), true);
  });

  it("does not pass while it is read, and begins anew after that", async (t) => {
    const clocks = new Clocks(t);
    const { lives, due } = lifetimes(t);
    const letGo = lives.hold("a", TTL);
    const letGoToo = lives.hold("a", TTL);
    await clocks.pass(60_000);
    assert.equal(await lives.isOver("a", TTL), false);
    letGo();
    await clocks.pass(60_000);
    assert.equal(await lives.isOver("a", TTL), false);
    letGoToo();
    assert.deepEqual(due, []);
    await clocks.pass(9_900);
    assert.equal(await lives.isOver("a", TTL), false);
    await clocks.pass(100);
    assert.equal(await lives.isOver("a", TTL), true);
  });

  it("does not pass while it is read either if the process stands still", async (t) => {
    const clocks = new Clocks(t);
    const { lives } = lifetimes(t);
    const letGo = lives.hold("a", TTL);
    clocks.stall(20_000);
    assert.equal(await lives.isOver("a", TTL), false);
    letGo();
    clocks.stall(9_999);
    assert.equal(await lives.isOver("a", TTL), false);
    clocks.stall(1);
    assert.equal(await lives.isOver("a", TTL), true);
  });

  it("of a stream that was removed meanwhile begins anew with no reader that is left", async (t) => {
    const clocks = new Clocks(t);
    const { lives, due } = lifetimes(t);
    const letGo = lives.hold("a", TTL);
    lives.forget("a");
    letGo();
    await clocks.pass(60_000);
    assert.deepEqual(due, []);
  });

  it("goes on if another process has used it", async (t) => {
    const clocks = new Clocks(t);
    let renewal: string | undefined;
    const { lives } = lifetimes(t, { renewal: async () => renewal });
    lives.use("a", TTL);
    await clocks.pass(10_000);
    renewal = "1";
    assert.equal(await lives.isOver("a", TTL), false);
    await clocks.pass(9_900);
    assert.equal(await lives.isOver("a", TTL), false);
    await clocks.pass(100);
    assert.equal(await lives.isOver("a", TTL), true);
  });

  it("goes on if it is used while others are asked", async (t) => {
    const clocks = new Clocks(t);
    let answer = (): void => {};
    const { lives } = lifetimes(t, {
      renewal: () =>
        new Promise((resolve) => {
          answer = () => resolve(undefined);
        }),
    });
    lives.use("a", TTL);
    await clocks.pass(10_000);
    const isOver = lives.isOver("a", TTL);
    await settle();
    lives.use("a", TTL);
    answer();
    assert.equal(await isOver, false);
  });

  it("is noted for others, but not at each use", async (t) => {
    const clocks = new Clocks(t);
    const noted: string[] = [];
    const { lives } = lifetimes(t, {
      renew: async (path) => {
        noted.push(path);
        throw new Error("The disk is full.");
      },
    });
    const long = { ...TTL, ttlSeconds: 100 };
    lives.use("a", long);
    lives.use("a", long);
    assert.equal(noted.length, 1);
    await clocks.pass(4_900);
    lives.use("a", long);
    assert.equal(noted.length, 1);
    await clocks.pass(100);
    lives.use("a", long);
    assert.equal(noted.length, 2);
    lives.use("b", { ...TTL, ttlSeconds: 1 });
    await clocks.pass(900);
    lives.use("b", { ...TTL, ttlSeconds: 1 });
    assert.deepEqual(noted, ["a", "a", "b"]);
    await clocks.pass(100);
    lives.use("b", { ...TTL, ttlSeconds: 1 });
    assert.deepEqual(noted, ["a", "a", "b", "b"]);
  });

  it("is noted for others while it is read", async (t) => {
    const clocks = new Clocks(t);
    let noted = 0;
    const { lives } = lifetimes(t, { renew: async () => void noted++ });
    lives.hold("a", TTL);
    await clocks.pass(10_000);
    assert.ok(noted >= 9, `${noted} notes`);
    lives.hold("b", FIXED);
    noted = 0;
    lives.forget("a");
    await clocks.pass(4_000);
    assert.equal(noted, 0);
  });
});

describe("the fixed time of expiry of a stream", () => {
  it("is a time of the system's clock, whatever uses it, and tells when it has come", async (t) => {
    const clocks = new Clocks(t);
    const { lives, due } = lifetimes(t);
    lives.use("a", FIXED);
    await clocks.pass(4_900);
    lives.use("a", FIXED);
    assert.equal(await lives.isOver("a", FIXED), false);
    assert.deepEqual(due, []);
    await clocks.pass(100);
    assert.equal(await lives.isOver("a", FIXED), true);
    assert.deepEqual(due, ["a"]);
    assert.equal(await lives.isOver("b", { ...FIXED, ...TTL }), true);
  });

  it("is no reason to look while a stream is read", async (t) => {
    const clocks = new Clocks(t);
    const { lives, due } = lifetimes(t);
    const letGo = lives.hold("a", FIXED);
    await clocks.pass(7_000);
    assert.deepEqual(due, []);
    letGo();
    await clocks.pass(1_000);
    assert.deepEqual(due, ["a"]);
  });
});

describe("a stream without a lifetime", () => {
  it("is never over, and a lifetime that it had is forgotten", async (t) => {
    const clocks = new Clocks(t);
    const { lives, due } = lifetimes(t);
    const plain = { created: true, producers: {} };
    lives.use("a", plain);
    lives.hold("a", plain)();
    assert.equal(await lives.isOver("a", plain), false);
    lives.use("b", TTL);
    assert.equal(await lives.isOver("b", plain), false);
    await clocks.pass(20_000);
    assert.deepEqual(due, []);
  });

  it("needs no timer, and none after the last one is forgotten, or all are", async (t) => {
    const clocks = new Clocks(t);
    const { lives, due } = lifetimes(t);
    lives.use("a", TTL);
    lives.use("b", TTL);
    lives.forget("a");
    await clocks.pass(11_000);
    assert.ok(due.includes("b") && !due.includes("a"), due.join());
    lives.forget("b");
    due.length = 0;
    lives.use("c", TTL);
    await clocks.pass(11_000);
    assert.ok(due.includes("c") && !due.includes("b"), due.join());
    lives.stop();
    due.length = 0;
    await clocks.pass(20_000);
    assert.deepEqual(due, []);
  });
});

describe("streams that expire", () => {
  function rig(t: TestContext, store = memoryStore(), records = store.streams): DurableRig {
    const made = new DurableRig(store, {}, records);
    t.after(() => made.close());
    return made;
  }

  it("are removed when their time is over", async (t) => {
    const clocks = new Clocks(t);
    const it = rig(t);
    await it.create("a", { bytes: Buffer.from("x"), lifetime: { ttlSeconds: 10 } });
    await it.create("b", { lifetime: { expiresAt: "2026-01-01T00:00:05Z" } });
    await it.create("c");
    for (const path of ["a", "b", "c"]) assert.ok(await it.streams.use(path));
    await clocks.pass(5_000);
    assert.deepEqual([await it.text("a"), await it.text("b")], ["x", undefined]);
    assert.equal(await it.streams.use("b"), undefined);
    await clocks.pass(6_000);
    assert.deepEqual([await it.text("a"), await it.text("c")], [undefined, ""]);
    assert.deepEqual(it.problems, []);
  });

  it("are removed at the start of a server, apart from those that have time", async (t) => {
    const clocks = new Clocks(t);
    const before = rig(t);
    await before.create("a", { lifetime: { expiresAt: "2026-01-01T00:00:05Z" } });
    await before.create("b", { lifetime: { ttlSeconds: 10 } });
    await before.close();
    await clocks.pass(6_000);
    const it = rig(t, before.store);
    await it.streams.restore();
    assert.deepEqual([await it.text("a"), await it.text("b")], [undefined, ""]);
    await clocks.pass(11_000);
    assert.equal(await it.text("b"), undefined);
  });

  it("stay while they are appended to, with all of their time", async (t) => {
    const clocks = new Clocks(t);
    const it = rig(t);
    await it.create("a", { lifetime: { ttlSeconds: 10 } });
    await it.streams.use("a");
    const raw = await it.registry.admit("a");
    raw.batcher.push(Buffer.from("x"));
    await clocks.pass(10_500);
    assert.equal((await it.streams.use("a"))?.created, true);
    await raw.end("complete");
    await clocks.pass(9_000);
    assert.equal(await it.text("a"), "x");
    await clocks.pass(3_000);
    assert.equal(await it.text("a"), undefined);
    assert.deepEqual(it.problems, []);
  });

  it("are removed with the tombstone of their source", async (t) => {
    const clocks = new Clocks(t);
    const it = rig(t);
    await it.create("a", "one");
    await it.create("b", { ...forkOf("a"), lifetime: { ttlSeconds: 10 } });
    await it.streams.use("b");
    await it.streams.remove("a");
    it.streams.lifetimes.stop();
    assert.equal((await it.streams.settle("a"))?.deleted, true);
    await clocks.pass(20_000);
    assert.equal(await it.streams.settle("a"), undefined);
    assert.equal(await it.text("b"), undefined);
    assert.deepEqual(await it.records.list(), []);
  });

  it("that can't be removed are told to the operator", async (t) => {
    const clocks = new Clocks(t);
    const memory = memoryStore();
    const failure = new StreamError("storage", "The test fails it.", {});
    const it = rig(t, withMembers(memory, { remove: () => Promise.reject(failure) }));
    await it.create("a", { lifetime: { ttlSeconds: 10 } });
    await it.streams.use("a");
    await clocks.pass(11_000);
    assert.deepEqual(it.problems[0], ["a", failure]);
    await assert.rejects(it.streams.use("a"), failure);
  });

  it("stay if another program has changed them before they are removed", async (t) => {
    const clocks = new Clocks(t);
    const memory = memoryStore();
    const { streams } = memory;
    assert.ok(streams);
    let finds = 0;
    const changed: StreamState = { created: true, producers: {} };
    const it = rig(t, memory, withMembers(streams, { find: async () => (++finds > 1 ? changed : FIXED) }));
    await (await memory.claim("a")).release();
    await clocks.pass(6_000);
    assert.equal(await it.streams.settle("a"), changed);
    assert.equal(await it.text("a"), "");
  });
});
