/** The writer of one path: one claim for many clients, batches, what it gives up and when. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { PathWriter } from "../../src/engine/durable/path-writer.ts";
import type { Limits } from "../../src/engine/limits.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import {
  by,
  DurableRig,
  forkOf,
  type StoredBatch,
  withBatches,
  withHandles,
  withMembers,
} from "../fixture/durable-rig.ts";
import { within } from "../fixture/until.ts";

const LINGER_MS = 3_000;

function rig(t: TestContext, store?: Store, limits?: Partial<Limits>): DurableRig {
  const made = new DurableRig(store, limits);
  t.after(() => made.close());
  return made;
}

/** Lets everything happen that needs no time. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await turn();
}

/** A store whose claims are counted, and whose members and handles are replaced. */
function counting(members: Partial<Store> = {}, of: Parameters<typeof withHandles>[1] = () => ({})) {
  const claims: string[] = [];
  const memory = memoryStore();
  const claim: Store["claim"] = async (path, options) => {
    claims.push(path);
    return memory.claim(path, options);
  };
  return { store: withHandles(withMembers(memory, { claim, ...members }), of), claims };
}

describe("the writer of a path", () => {
  it("stores at once what waits, in its order, and answers each client", async (t) => {
    const batches: StoredBatch[] = [];
    const it = rig(t, withBatches(memoryStore(), batches));
    await it.create("a");
    const answers = await Promise.all(["1", "22", "333"].map((text) => it.append("a", text)));
    assert.deepEqual(
      answers.map(({ start, offset }) => [start, offset]),
      [
        [0, 1],
        [1, 3],
        [3, 6],
      ],
    );
    assert.deepEqual(
      batches.map(({ text }) => text),
      ["", "122333"],
    );
  });

  it("stores nothing if there is nothing to store", async (t) => {
    const batches: StoredBatch[] = [];
    const it = rig(t, withBatches(memoryStore(), batches));
    await it.create("a");
    await it.append("a", "x", by("p", 0, 0));
    await it.append("a", "x", by("p", 0, 0));
    assert.equal(batches.length, 2);
  });

  it("stores no more at once than fits into a batch, unless one request has more", async (t) => {
    const batches: StoredBatch[] = [];
    const it = rig(t, withBatches(memoryStore(), batches), { batchBytes: 10 });
    await it.create("a");
    await Promise.all(["aaaa", "bbbbbb", "c", "d".repeat(20), "ee"].map((text) => it.append("a", text)));
    assert.deepEqual(
      batches.map(({ text }) => text),
      ["", "aaaabbbbbb", "c", "d".repeat(20), "ee"],
    );
  });

  it("stores no more than a thousand requests at once", async (t) => {
    const batches: StoredBatch[] = [];
    const it = rig(t, withBatches(memoryStore(), batches));
    await it.create("a");
    await Promise.all(Array.from({ length: 1_001 }, () => it.append("a", "x")));
    assert.deepEqual(
      batches.map(({ text }) => text.length),
      [0, 1_000, 1],
    );
  });

  it("stores a request with conditions by itself", async (t) => {
    const batches: StoredBatch[] = [];
    const it = rig(t, withBatches(memoryStore(), batches));
    await it.create("a");
    const conditional = { preconditions: { offset: 1 } };
    await Promise.all([it.append("a", "1"), it.append("a", "2", {}, conditional), it.append("a", "3")]);
    assert.deepEqual(
      batches.map(({ text }) => text),
      ["", "1", "2", "3"],
    );
  });

  it("remembers no more producers than the limit", async (t) => {
    const it = rig(t, memoryStore(), { durableProducers: 3 });
    await it.create("a");
    for (let at = 0; at < 5; at++) await it.append("a", "x", by(`p${at}`, 0, 0));
    await it.append("a", "x", by("p5", 0, 0), { preconditions: { offset: 5 } });
    const names = Object.keys((await it.store.stat("a"))?.stream?.producers ?? {});
    assert.ok(names.length <= 3 && names.includes("p5"), names.join());
  });

  it("claims the path once for many requests", async (t) => {
    const { store, claims } = counting();
    const it = rig(t, store);
    await it.create("a");
    for (let count = 0; count < 5; count++) await it.append("a", "x");
    assert.deepEqual(claims, ["a"]);
  });

  it("gives the path up after three seconds without a request", async (t) => {
    const it = rig(t);
    t.mock.timers.enable({ apis: ["setTimeout"] });
    await it.create("a");
    await settle();
    t.mock.timers.tick(LINGER_MS - 1);
    await it.append("a", "x");
    await settle();
    t.mock.timers.tick(LINGER_MS - 1);
    await settle();
    assert.equal(it.streams.isLingering("a"), true);
    t.mock.timers.tick(1);
    await settle();
    assert.equal(it.streams.isLingering("a"), false);
    assert.equal(it.registry.isTaken("a"), false);
  });

  it("gives the path up when the stream is closed", async (t) => {
    const it = rig(t);
    await it.create("a");
    await it.append("a", "x", { closes: true });
    await settle();
    assert.equal(it.registry.isTaken("a"), false);
    await it.create("b", { closes: true });
    await settle();
    assert.equal(it.registry.isTaken("b"), false);
  });

  it("gives the path up to another appender at once, or when it has stored what it has", async (t) => {
    let go = (): void => {};
    let before = Promise.resolve();
    const it = rig(
      t,
      withBatches(memoryStore(), [], () => before),
    );
    await it.create("a");
    await settle();
    const raw = await within(it.registry.admit("a"), "the path");
    await raw.end("complete");
    before = new Promise((resolve) => {
      go = resolve;
    });
    const appending = it.append("a", "one");
    await settle();
    assert.equal(it.streams.isWriting("a"), true);
    const admitting = it.registry.admit("a");
    const later = it.append("a", "two");
    await settle();
    assert.equal((await it.store.stat("a"))?.size, 0);
    go();
    const { offset } = await appending;
    const other = await within(admitting, "the path again");
    assert.equal(other.batcher.channel.size, offset);
    other.batcher.push(Buffer.from("-"));
    await other.end("complete");
    assert.deepEqual([(await later).start, await it.text("a")], [4, "one-two"]);
  });

  it("gives the path up when another process asks for it, while it is kept or when it is claimed", async (t) => {
    const asking = new AbortController();
    const { store } = counting({}, () => ({ handoverRequested: asking.signal }));
    const it = rig(t, store);
    await it.create("a");
    await settle();
    assert.equal(it.streams.isLingering("a"), true);
    asking.abort();
    await settle();
    assert.equal(it.registry.isTaken("a"), false);
    assert.equal((await it.append("a", "x")).offset, 1);
    await settle();
    assert.equal(it.registry.isTaken("a"), false);
  });

  it("gives the path up when another process has taken it", async (t) => {
    let taken = new AbortController();
    const { store, claims } = counting({}, () => {
      taken = new AbortController();
      return { revoked: taken.signal };
    });
    const it = rig(t, store);
    await it.create("a");
    await settle();
    taken.abort(new StreamError("fenced", "Another process has it.", {}));
    await settle();
    assert.equal(it.registry.isTaken("a"), false);
    assert.equal((await it.append("a", "x")).offset, 1);
    assert.equal(claims.length, 2);
  });

  it("gives every path up on a shutdown, which waits for what is being stored", async (t) => {
    let go = (): void => {};
    let before = Promise.resolve();
    const it = rig(
      t,
      withBatches(memoryStore(), [], () => before),
    );
    await it.create("a");
    await it.create("b");
    before = new Promise((resolve) => {
      go = resolve;
    });
    const appending = it.append("a", "x");
    await settle();
    let isClosed = false;
    const closing = it.registry.close().then(() => {
      isClosed = true;
    });
    await settle();
    assert.deepEqual([isClosed, it.registry.isTaken("b")], [false, false]);
    go();
    await within(closing, "the shutdown");
    assert.equal((await appending).offset, 1);
  });

  it("claims the path again if another program has changed it since", async (t) => {
    let isChanged = false;
    const { store, claims } = counting({}, () => ({
      verify: async () => {
        if (!isChanged) return;
        isChanged = false;
        throw new StreamError("changed", "The test has changed it.", {});
      },
    }));
    const it = rig(t, store);
    await it.create("a");
    isChanged = true;
    assert.equal((await it.append("a", "x")).offset, 1);
    assert.deepEqual(claims, ["a", "a"]);
    isChanged = true;
    assert.equal((await it.append("a", "y", {}, { preconditions: { offset: 1 } })).offset, 2);
    assert.deepEqual(claims, ["a", "a", "a"]);
  });

  it("keeps the claim if a request is refused", async (t) => {
    const { store, claims } = counting();
    const it = rig(t, store);
    await it.create("a");
    await rejectsWith(it.append("a", "x", {}, { preconditions: { offset: 5 } }), "precondition_failed");
    await rejectsWith(it.append("a", "x", { type: "text/html" }), "mismatch");
    await it.append("a", "x");
    assert.deepEqual(claims, ["a"]);
  });

  it("gives up the path of a fork when all of it is copied", async (t) => {
    let go = (): void => {};
    const batches: StoredBatch[] = [];
    const it = rig(
      t,
      withBatches(memoryStore(), batches, () => {
        if (batches.length !== 2) return undefined;
        return new Promise((resolve) => {
          go = resolve;
        });
      }),
      { readBytes: 1 },
    );
    await it.create("a", "123");
    const forking = it.create("b", forkOf("a"));
    await settle();
    assert.equal(batches.length, 2);
    const admitting = it.registry.admit("b");
    await settle();
    go();
    assert.equal((await forking).offset, 3);
    const raw = await within(admitting, "the path");
    assert.equal(raw.batcher.channel.size, 3);
    await raw.end("complete");
  });

  it("answers each of several requests of a plain file", async (t) => {
    const it = rig(t);
    await (await it.store.claim("a")).release();
    const at = (offset: number) => ({ preconditions: { offset } });
    const all = Promise.all([0, 1, 2].map((offset) => it.append("a", "x", {}, at(offset))));
    assert.deepEqual(
      (await within(all, "the answers")).map(({ offset }) => offset),
      [1, 2, 3],
    );
  });
});

describe("what a writer tells of itself", () => {
  /** A writer of a stream, and what it tells. */
  async function telling(t: TestContext, store?: Store) {
    const { registry, ...made } = await rigWithStream(t, store);
    const told: string[] = [];
    const writer = new PathWriter(registry, "a", {
      idle: () => told.push("idle"),
      works: () => told.push("works"),
      lingers: () => told.push("lingers"),
    });
    const append = (closes = false): Promise<number> =>
      new Promise((resolve, failed) =>
        writer.add({
          ...{
            untilMs: performance.now() + 10_000,
            terms: { enforcesStreamRules: true, create: false },
            bytes: 1,
            failed,
          },
          decide: () => ({
            batch: { bytes: Buffer.from("x"), change: closes ? { closed: {} } : {} },
            settled: resolve,
          }),
        }),
      );
    return { ...made, registry, writer, told, append };
  }

  async function rigWithStream(t: TestContext, store?: Store): Promise<DurableRig> {
    const made = rig(t, store);
    await made.create("a");
    await (await made.registry.admit("a")).end("complete");
    return made;
  }

  it("is that it works, keeps the claim, and is idle once it has neither jobs nor the claim", async (t) => {
    const { registry, writer, told, append } = await telling(t);
    await writer.yield();
    assert.deepEqual([told, writer.isLingering, writer.isWriting], [[], false, false]);
    const appending = append();
    assert.deepEqual([writer.isLingering, writer.isWriting], [false, true]);
    await appending;
    await settle();
    assert.deepEqual([told, writer.isLingering, writer.isWriting], [["works", "lingers"], true, false]);
    await writer.yield();
    assert.equal(registry.isTaken("a"), false);
    assert.deepEqual([told, writer.isLingering], [["works", "lingers", "idle"], false]);
    await append();
    await settle();
    assert.deepEqual(told.slice(3), ["works", "lingers"]);
  });

  it("is idle once if the stream is closed", async (t) => {
    const { told, append } = await telling(t);
    await append(true);
    await settle();
    assert.deepEqual(told, ["works", "idle"]);
  });

  it("is not idle while there are jobs left, also when it gives the path up", async (t) => {
    let go = (): void => {};
    let before = Promise.resolve();
    const { writer, told, append } = await telling(
      t,
      withBatches(memoryStore(), [], () => before),
    );
    before = new Promise((resolve) => {
      go = resolve;
    });
    const first = append();
    await settle();
    assert.deepEqual([writer.isLingering, writer.isWriting], [false, true]);
    const yielding = writer.yield();
    const second = append();
    go();
    assert.deepEqual([await first, await second], [1, 2]);
    await yielding;
    await settle();
    assert.deepEqual(told, ["works", "works", "lingers"]);
  });
});

describe("requests of a path that can't be stored", () => {
  /** A store whose next appends fail. */
  function failing(...codes: ("changed" | "fenced" | "storage" | undefined)[]) {
    const failures = [...codes];
    return counting({}, (handle) => ({
      append: async (bytes, change) => {
        const code = bytes.length > 0 ? failures.shift() : undefined;
        if (code) throw new StreamError(code, "The test fails it.", {});
        return handle.append(bytes, change);
      },
    }));
  }

  it("are refused together, and later ones are stored", async (t) => {
    const { store, claims } = failing("storage");
    const it = rig(t, store);
    await it.create("a");
    const both = await Promise.allSettled([it.append("a", "x"), it.append("a", "y", by("p", 0, 5))]);
    for (const one of both) {
      assert.equal(one.status === "rejected" && StreamError.from(one.reason).code, "storage");
    }
    assert.deepEqual([(await it.append("a", "z")).offset, await it.text("a")], [1, "z"]);
    assert.equal(claims.length, 2);
  });

  it("are stored on a new claim if the old one was lost", async (t) => {
    for (const code of ["changed", "fenced"] as const) {
      const { store, claims } = failing(code);
      const it = rig(t, store);
      await it.create("a");
      const both = await Promise.all([it.append("a", "x"), it.append("a", "y")]);
      assert.deepEqual(
        both.map(({ offset }) => offset),
        [1, 2],
      );
      assert.deepEqual([await it.text("a"), claims.length], ["xy", 2]);
    }
  });

  it("are refused if that is lost as well", async (t) => {
    const { store, claims } = failing("changed", "changed");
    const it = rig(t, store);
    await it.create("a");
    await rejectsWith(it.append("a", "x"), "changed");
    assert.deepEqual([(await it.append("a", "y")).offset, claims.length], [1, 3]);
  });

  it("with conditions are refused, and the next ones are stored", async (t) => {
    const { store } = failing("storage");
    const it = rig(t, store);
    await it.create("a");
    const both = await Promise.allSettled([
      it.append("a", "x", {}, { preconditions: { offset: 0 } }),
      it.append("a", "y", {}, { preconditions: { offset: 0 } }),
    ]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ["rejected", "fulfilled"],
    );
  });

  it("are refused one by one if the path can't be claimed", async (t) => {
    const it = rig(t);
    const all = await Promise.allSettled([it.append("a", "x"), it.append("a", "y"), it.create("a", "z")]);
    assert.deepEqual(
      all.map(({ status }) => status),
      ["rejected", "rejected", "fulfilled"],
    );
    assert.equal((await it.append("a", "!")).offset, 2);
  });
});

describe("a path with another appender", () => {
  const BUSY = new StreamError("conflict", "Another process has it.", {});

  /** A store whose path another process has for some attempts. */
  function shared(attempts: number, session = false) {
    const calls: string[] = [];
    const memory = memoryStore();
    let left = attempts;
    const store = withMembers(memory, {
      claim: async (path, options) => {
        calls.push("claim");
        if (left-- > 0) throw BUSY;
        return memory.claim(path, options);
      },
      requestHandover: async () => {
        calls.push("ask");
        return async () => void calls.push("withdraw");
      },
      sessions: withMembers(memory.sessions, {
        find: async (path) => (session && left >= 0 ? { path, digest: "d" } : undefined),
      }),
    });
    return { store, calls };
  }

  it("in this process is waited for, until it has ended", async (t) => {
    const it = rig(t);
    await it.create("a");
    const raw = await it.registry.admit("a");
    const appending = it.append("a", "two");
    await settle();
    raw.batcher.push(Buffer.from("one"));
    await raw.end("complete");
    assert.deepEqual([(await appending).offset, await it.text("a")], [6, "onetwo"]);
  });

  it("in this process is waited for only as long as the limit says", async (t) => {
    const it = rig(t, memoryStore(), { writeWaitMs: 30 });
    await it.create("a");
    const raw = await it.registry.admit("a");
    const error = await it.append("a", "x").catch((refused: unknown) => refused);
    assert.ok(error instanceof StreamError);
    assert.deepEqual([error.code, error.headers["Retry-After"], error.path], ["busy", "1", "a"]);
    await raw.end("complete");
    assert.equal(await it.text("a"), "");
    assert.equal((await it.append("a", "y")).offset, 1);
  });

  it("in another process is asked for it once, and tried again each tenth of a second", async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const { store, calls } = shared(3);
    const it = rig(t, store);
    const creating = it.create("a", "x");
    await settle();
    assert.deepEqual(calls, ["claim", "ask"]);
    t.mock.timers.tick(99);
    await settle();
    assert.equal(calls.length, 2);
    t.mock.timers.tick(1);
    await settle();
    assert.deepEqual(calls, ["claim", "ask", "claim"]);
    t.mock.timers.tick(100);
    await settle();
    t.mock.timers.tick(100);
    assert.equal((await creating).offset, 1);
    await settle();
    assert.deepEqual(calls, ["claim", "ask", "claim", "claim", "claim", "withdraw"]);
  });

  it("in another process that does not give it up is asked no longer than the limit says", async (t) => {
    const { store, calls } = shared(Number.POSITIVE_INFINITY);
    const it = rig(t, store, { writeWaitMs: 30 });
    await rejectsWith(it.create("a", "x"), "busy");
    assert.deepEqual([calls[1], calls.at(-1)], ["ask", "withdraw"]);
  });

  it("that has a session is waited for, and not asked", async (t) => {
    const { store, calls } = shared(2, true);
    const it = rig(t, store, { writeWaitMs: 2_000 });
    assert.equal((await it.create("a", "x")).offset, 1);
    assert.deepEqual(calls, ["claim", "claim", "claim"]);
  });

  it("of a store that knows no handover is tried again", async (t) => {
    const memory = memoryStore();
    let left = 2;
    const store = withMembers(memory, {
      claim: (path, options) => (left-- > 0 ? Promise.reject(BUSY) : memory.claim(path, options)),
    });
    const it = rig(t, store, { writeWaitMs: 2_000 });
    assert.deepEqual([(await it.create("a", "x")).offset, left], [1, -1]);
  });

  it("is no reason to wait if the path can't be claimed for another one", async (t) => {
    const memory = memoryStore();
    const denied = new StreamError("denied", "The test denies it.", {});
    const it = rig(t, withMembers(memory, { claim: () => Promise.reject(denied) }));
    await rejectsWith(it.create("a"), "denied");
    const broken = rig(t, withMembers(memory, { claim: () => Promise.reject(new RangeError("conflict")) }));
    await assert.rejects(broken.create("a"), RangeError);
  });
});
