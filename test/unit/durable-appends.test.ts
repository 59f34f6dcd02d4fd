/** What streams answer to appends, closings and removals. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Limits } from "../../src/engine/limits.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { by, DurableRig, forkOf, withMembers } from "../fixture/durable-rig.ts";
import { fakeClock } from "../fixture/other-process.ts";

function rig(t: TestContext, store?: Store, limits?: Partial<Limits>): DurableRig {
  const made = new DurableRig(store, limits);
  t.after(() => made.close());
  return made;
}

describe("an append to a stream", () => {
  it("says where its bytes are", async (t) => {
    const it = rig(t);
    const { generation } = await it.create("a", "one");
    assert.deepEqual(await it.append("a", "four"), {
      ...{ start: 3, offset: 7, generation, producer: undefined, isNew: true, closed: false },
    });
    assert.equal(await it.text("a"), "onefour");
  });

  it("that is repeated stores nothing, and says where the stream ends", async (t) => {
    const it = rig(t);
    await it.create("a");
    const first = await it.append("a", "one", by("p", 0, 0));
    assert.deepEqual([first.start, first.offset, first.isNew], [0, 3, true]);
    await it.append("a", "two", by("p", 0, 1));
    const { start, offset, isNew, producer } = await it.append("a", "one", by("p", 0, 0));
    assert.deepEqual([start, offset, isNew, producer?.seq], [6, 6, false, 1]);
    assert.equal(await it.text("a"), "onetwo");
  });

  it("needs a path that exists", async (t) => {
    const it = rig(t);
    await rejectsWith(it.append("a", "x"), "not_found");
    assert.equal(await it.store.stat("a"), undefined);
  });

  it("goes to a plain file as well, which stays one", async (t) => {
    const it = rig(t);
    await (await it.store.claim("a")).release();
    assert.equal((await it.append("a", "x")).offset, 1);
    assert.equal((await it.store.stat("a"))?.stream, undefined);
    assert.equal(it.streams.isLingering("a"), false);
  });

  it("closes the stream with its bytes, or without", async (t) => {
    const it = rig(t);
    await it.create("a");
    const closing = await it.append("a", "end", { closes: true });
    assert.deepEqual([closing.closed, closing.isNew, closing.offset], [true, true, 3]);
    await rejectsWith(it.append("a", "more"), "closed");
    await it.create("b", "text");
    assert.equal(await it.streams.close("b"), 4);
    await rejectsWith(it.append("b", "more"), "closed");
    assert.equal(await it.streams.close("b"), 4);
    const again = await it.append("b", "", { closes: true });
    assert.deepEqual([again.closed, again.isNew, again.start], [true, false, 4]);
    assert.ok((await it.store.stat("b"))?.stream?.closed);
  });

  it("without bytes is not new, even if it closes the stream", async (t) => {
    const it = rig(t);
    await it.create("a", "x");
    const { isNew, start, offset } = await it.append("a", "", { closes: true });
    assert.deepEqual([isNew, start, offset], [false, 1, 1]);
  });

  it("stores nothing unless its conditions hold", async (t) => {
    const it = rig(t);
    const { generation } = await it.create("a", "one");
    const check = (): never => {
      throw new StreamError("precondition_failed", "The test refuses.", {});
    };
    for (const preconditions of [{ offset: 2 }, { offset: 0 }, { check }]) {
      await rejectsWith(it.append("a", "x", {}, { preconditions }), "precondition_failed");
    }
    await rejectsWith(it.append("a", "x", {}, { preconditions: { generation: "other" } }), "replaced");
    assert.equal(await it.text("a"), "one");
    const held = await it.append("a", "two", {}, { preconditions: { offset: 3, generation } });
    assert.deepEqual([held.start, held.offset, held.isNew], [3, 6, true]);
    const seen: (number | undefined)[] = [];
    const looking = { preconditions: { check: (found: { size: number } | undefined) => void seen.push(found?.size) } };
    assert.equal((await it.append("a", "!", {}, looking)).offset, 7);
    assert.deepEqual(seen, [6]);
    await it.append("a", "?", by("p", 0, 0));
    const repeated = await it.append("a", "?", by("p", 0, 0), { preconditions: { offset: 8 } });
    assert.deepEqual([repeated.offset, repeated.isNew], [8, false]);
    assert.equal(await it.text("a"), "onetwo!?");
  });

  it("stores nothing if its client may not write any more", async (t) => {
    const it = rig(t);
    await it.create("a");
    const assertAllowed = (): never => {
      throw new StreamError("forbidden", "The test refuses.", {});
    };
    await rejectsWith(it.append("a", "x", {}, { assertAllowed }), "forbidden");
    await rejectsWith(it.append("a", "x", {}, { assertAllowed, preconditions: { offset: 0 } }), "forbidden");
    await rejectsWith(it.create("b", "x", { assertAllowed }), "forbidden");
    assert.deepEqual([await it.text("a"), await it.text("b")], ["", undefined]);
  });

  it("is refused while the server shuts down", async (t) => {
    const it = rig(t);
    await it.create("a");
    await it.close();
    await rejectsWith(it.append("a", "x"), "restarting");
    await rejectsWith(it.create("b"), "restarting");
    assert.equal(await it.text("a"), "");
  });
});

describe("the claim of a stream", () => {
  it("is kept after an append, and is no writing then", async (t) => {
    const it = rig(t);
    assert.deepEqual([it.streams.isLingering("a"), it.streams.isWriting("a")], [false, false]);
    await it.create("a");
    const appending = it.append("a", "x");
    await Promise.resolve().then(() => {});
    assert.equal(it.streams.isWriting("a"), true);
    assert.equal(it.streams.isLingering("a"), false);
    await appending;
    await turn();
    assert.deepEqual([it.streams.isLingering("a"), it.streams.isWriting("a")], [true, false]);
    await it.streams.use("a");
    assert.equal(it.streams.isLingering("a"), true, "a reader leaves it");
  });
});

describe("a removal", () => {
  it("says whether there was something", async (t) => {
    const it = rig(t);
    await it.create("a", "x");
    assert.equal(await it.streams.remove("a"), true);
    assert.equal(await it.streams.remove("a"), false);
    assert.equal(await it.store.stat("a"), undefined);
    assert.equal(await it.streams.use("a"), undefined);
    await (await it.store.claim("plain")).release();
    assert.equal(await it.streams.remove("plain"), true);
    assert.equal(await it.store.stat("plain"), undefined);
  });

  it("removes nothing unless its conditions hold, or while there is an appender", async (t) => {
    const it = rig(t);
    await it.create("a", "x");
    await rejectsWith(it.streams.remove("a", { offset: 2 }), "precondition_failed");
    const raw = await it.registry.admit("a");
    await rejectsWith(it.streams.remove("a"), "in_use");
    await raw.end("complete");
    assert.equal(await it.text("a"), "x");
    assert.equal(await it.streams.remove("a", { offset: 1 }), true);
  });

  it("leaves a tombstone while there are forks", async (t) => {
    const it = rig(t);
    await it.create("a", "one");
    await it.create("b", forkOf("a"));
    await it.create("c", forkOf("b"));
    assert.equal(await it.streams.remove("a"), true);
    assert.deepEqual(await it.streams.find("a"), { created: true, producers: {}, deleted: true });
    assert.equal((await rejectsWith(it.streams.use("a"), "gone")).path, "a");
    assert.equal(await it.streams.remove("b"), true);
    assert.deepEqual((await it.streams.find("b"))?.fork, { source: "a", offset: 3, sub: 0 });
    assert.equal((await it.streams.settle("a"))?.deleted, true);
    assert.equal(await it.text("c"), "one");
    assert.equal(await it.streams.remove("c"), true);
    for (const path of ["a", "b", "c"]) {
      assert.equal(await it.streams.use(path), undefined, path);
      assert.deepEqual(await it.records.forksOf(path), [], path);
    }
    assert.deepEqual(await it.records.list(), []);
  });

  it("of a tombstone removes nothing", async (t) => {
    const it = rig(t);
    await it.create("a", "one");
    await it.create("b", forkOf("a"));
    await it.streams.remove("a");
    assert.equal(await it.streams.remove("a"), false);
    assert.equal((await it.streams.find("a"))?.deleted, true);
  });

  it("of a fork leaves a source that exists, and its other forks", async (t) => {
    const it = rig(t);
    await it.create("a", "one");
    await it.create("b", forkOf("a"));
    await it.create("c", forkOf("a"));
    await it.streams.remove("b");
    assert.equal(await it.text("a"), "one");
    assert.deepEqual(await it.records.forksOf("a"), ["c"]);
    await it.streams.remove("a");
    assert.equal((await it.streams.settle("a"))?.deleted, true);
  });

  it("tells who has asked for it", async (t) => {
    const removed: (string | undefined)[] = [];
    const it = rig(t);
    const { registry } = it;
    t.mock.method(registry, "removed", (path: string, id?: string) => void removed.push(path, id));
    await it.create("a");
    await it.streams.remove("a", {}, "request");
    assert.deepEqual(removed, ["a", "request"]);
  });
});

describe("a path whose writer another process may have kept", () => {
  /** A store in which another process has the path for some attempts. */
  function shared(isStream: boolean, session: boolean, attempts: number) {
    const memory = memoryStore();
    const { streams } = memory;
    assert.ok(streams);
    const calls: string[] = [];
    let left = attempts;
    const store = withMembers(memory, {
      sessions: withMembers(memory.sessions, {
        find: async (path) => (session && calls.includes("remove") ? { path, digest: "d" } : undefined),
      }),
      streams: isStream ? streams : withMembers(streams, { find: async () => undefined }),
      remove: async (path, check) => {
        calls.push("remove");
        if (left-- > 0) throw new StreamError("conflict", "Another process has it.", { path });
        return memory.remove(path, check);
      },
      requestHandover: async () => {
        calls.push("ask");
        return async () => void calls.push("withdraw");
      },
    });
    return { store, calls };
  }

  async function removing(t: TestContext, { store }: ReturnType<typeof shared>): Promise<string | boolean> {
    const it = rig(t, store);
    await it.create("a", "x");
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const clock = fakeClock(t);
    let answer: string | boolean | undefined;
    const removal = it.streams.remove("a").then(
      (isRemoved) => {
        answer = isRemoved;
      },
      (error: unknown) => {
        answer = StreamError.from(error).code;
      },
    );
    while (answer === undefined) {
      await turn();
      if (answer !== undefined) break;
      clock.nowMs += 100;
      t.mock.timers.tick(100);
    }
    await removal;
    t.mock.timers.reset();
    return answer;
  }

  it("is asked for once, and removed when it is free", async (t) => {
    const other = shared(true, false, 3);
    assert.equal(await removing(t, other), true);
    assert.deepEqual(other.calls, ["remove", "ask", "remove", "remove", "remove", "withdraw"]);
  });

  it("is not removed if that process does not give it up", async (t) => {
    const other = shared(true, false, Number.POSITIVE_INFINITY);
    assert.equal(await removing(t, other), "in_use");
    assert.deepEqual(
      [other.calls.filter((call) => call === "remove").length, other.calls.at(-1), other.calls[1]],
      [21, "withdraw", "ask"],
    );
  });

  it("is not asked for if something else prevents the removal", async (t) => {
    for (const failure of [new StreamError("denied", "The test denies it.", {}), new RangeError("in_use")]) {
      const { store, calls } = shared(true, false, 0);
      const it = rig(t, withMembers(store, { remove: () => Promise.reject(failure) }));
      await it.create("a", "x");
      await assert.rejects(it.streams.remove("a"), failure);
      assert.deepEqual(calls, []);
    }
  });

  it("is not asked for if it is a plain file, or has a session", async (t) => {
    for (const other of [shared(false, false, 1), shared(true, true, 1)]) {
      assert.equal(await removing(t, other), "in_use");
      assert.deepEqual(other.calls, ["remove"]);
    }
  });
});
