/** Creations and forks of streams: what is made, what is refused, and what a failure leaves. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { liveForks, tombstoneOf } from "../../src/engine/durable/forks.ts";
import type { Limits } from "../../src/engine/limits.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { by, DurableRig, forkOf, type StoredBatch, withBatches, withMembers } from "../fixture/durable-rig.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { within } from "../fixture/until.ts";

const JSON_TYPE = "application/json";

function rig(t: TestContext, store?: Store, limits?: Partial<Limits>): DurableRig {
  const made = new DurableRig(store, limits);
  t.after(() => made.close());
  return made;
}

/** A plain file. */
async function plainFile(store: Store, path: string, text: string, type?: string): Promise<void> {
  const handle = await store.claim(path, { type });
  await handle.append(Buffer.from(text));
  await handle.release("complete");
}

describe("a creation", () => {
  it("makes a stream with its bytes, or confirms the same one", async (t) => {
    const it = rig(t);
    const made = await it.create("a", "one");
    assert.deepEqual([made.isNew, made.offset, made.state?.type], [true, 3, "text/plain"]);
    assert.equal(made.generation, (await it.store.stat("a"))?.generation);
    assert.equal((await it.store.stat("a"))?.type, "text/plain");
    const again = await it.create("a", "ignored");
    assert.deepEqual([again.isNew, again.offset, again.generation], [false, 3, made.generation]);
    assert.deepEqual(again.state, (await it.store.stat("a"))?.stream);
    await rejectsWith(it.create("a", { type: "text/html" }), "mismatch");
    assert.equal(await it.text("a"), "one");
    const empty = await it.create("b");
    assert.deepEqual([empty.isNew, empty.offset, (await it.create("b")).isNew], [true, 0, false]);
  });

  it("by several clients at once makes one stream", async (t) => {
    const it = rig(t);
    const all = await Promise.allSettled([it.create("a", "1"), it.create("a", "2"), it.create("a", { type: "a/b" })]);
    assert.deepEqual(
      all.map((one) => (one.status === "fulfilled" ? one.value.isNew : StreamError.from(one.reason).code)),
      [true, false, "mismatch"],
    );
    assert.equal(await it.text("a"), "1");
  });

  it("takes a plain file of its type as it is, and makes a stream of an empty one", async (t) => {
    const it = rig(t);
    await plainFile(it.store, "a", "text", "text/plain");
    const taken = await it.create("a", { plainType: "text/plain; charset=utf-8" });
    assert.deepEqual([taken.isNew, taken.offset, taken.state], [false, 4, undefined]);
    assert.equal(taken.generation, (await it.store.stat("a"))?.generation);
    await rejectsWith(it.create("a", { plainType: "text/html" }), "mismatch");
    await plainFile(it.store, "b", "");
    assert.equal((await it.create("b", { plainType: "text/html" })).isNew, true);
  });

  it("stores messages of JSON as lines, and nothing that is none", async (t) => {
    const it = rig(t);
    const made = await it.create("a", { type: JSON_TYPE, bytes: Buffer.from("[1, 2]") });
    assert.deepEqual([made.offset, await it.text("a")], [4, "1\n2\n"]);
    await rejectsWith(it.create("b", { type: JSON_TYPE, bytes: Buffer.from("{") }), "not_json");
    assert.equal(await it.store.stat("b"), undefined);
    assert.equal((await it.create("c", { type: JSON_TYPE })).offset, 0);
  });

  it("makes nothing unless its conditions hold", async (t) => {
    const it = rig(t);
    const absent = {
      preconditions: {
        check: (found: unknown) => {
          if (found) throw new StreamError("precondition_failed", "There is one.", {});
        },
      },
    };
    const both = await Promise.allSettled([it.create("a", "1", absent), it.create("a", "2", absent)]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    await rejectsWith(it.create("a", "3", absent), "precondition_failed");
    await rejectsWith(it.create("b", "3", { preconditions: { offset: 1 } }), "precondition_failed");
    await rejectsWith(it.create("b", "3", { preconditions: { generation: "g" } }), "replaced");
    assert.deepEqual([await it.text("a"), await it.text("b")], ["1", undefined]);
  });

  it("of what is there does not wait for its appender", async (t) => {
    const it = rig(t);
    await it.create("a");
    const raw = await it.registry.admit("a");
    assert.equal((await within(it.create("a"), "the answer")).isNew, false);
    await rejectsWith(within(it.create("a", { type: "text/html" }), "the refusal"), "mismatch");
    await raw.end("complete");
  });

  it("lets a raw append wait, and not fail, whenever that comes", async (t) => {
    const it = rig(t);
    for (let round = 0; round < 20; round++) {
      const creating = it.create(`a${round}`, "1");
      for (let turns = 0; turns < round; turns++) await undefined;
      const raw = await it.registry.admit(`a${round}`);
      await raw.end("complete");
      assert.equal((await creating).offset, 1, `${round} turns`);
    }
  });

  it("that can't be stored leaves nothing", async (t) => {
    const full = new StreamError("no_space", "The test fills the disk.", {});
    let isFull = true;
    const it = rig(
      t,
      withBatches(memoryStore(), [], () => {
        if (isFull) throw full;
      }),
    );
    await rejectsWith(it.create("a", "x"), "no_space");
    assert.equal(await it.store.stat("a"), undefined);
    isFull = false;
    assert.equal((await it.create("a", "x")).isNew, true);
  });

  it("that is refused leaves no file, and no folder", async (t) => {
    const root = await temporaryFolder("refused");
    t.after(() => removeFolder(root));
    const it = rig(t, fileStore({ root }));
    const assertAllowed = (): never => {
      throw new StreamError("forbidden", "The test refuses.", {});
    };
    await rejectsWith(it.create("dir/a.txt", "x", { assertAllowed }), "forbidden");
    assert.deepEqual(
      readdirSync(root).filter((name) => name !== ".httpfstream"),
      [],
    );
    assert.equal((await it.create("dir/a.txt", "x")).isNew, true);
  });

  it("waits for an appender of the path, and then finds what that has stored", async (t) => {
    const it = rig(t);
    const raw = await it.registry.admit("a", { type: "text/plain" });
    const creating = it.create("a");
    const refused = it.create("a", { plainType: "text/html" });
    const conditional = it.create("a", {}, { preconditions: { offset: 0 } });
    const codes = Promise.allSettled([creating, refused, conditional]);
    await turn();
    raw.batcher.push(Buffer.from("raw"));
    await raw.end("complete");
    assert.deepEqual(
      (await codes).map((one) => (one.status === "fulfilled" ? one.value.offset : StreamError.from(one.reason).code)),
      [3, "mismatch", "precondition_failed"],
    );
  });
});

describe("a fork", () => {
  it("has the bytes of its source up to an offset, and goes on by itself", async (t) => {
    const it = rig(t);
    await it.create("a", "onetwo");
    for (const [path, ask, text] of [
      ["end", forkOf("a"), "onetwo"],
      ["middle", forkOf("a", 3), "one"],
      ["more", forkOf("a", 3, 2), "onetw"],
      ["beginning", forkOf("a", 0), ""],
      ["all", forkOf("a", 3, 3), "onetwo"],
    ] as const) {
      const made = await it.create(path, { ...ask, type: undefined });
      assert.deepEqual([made.isNew, made.offset, await it.text(path)], [true, text.length, text], path);
      const { offset, sub } = ask.fork ?? {};
      assert.deepEqual((await it.streams.find(path))?.fork, { source: "a", offset: offset ?? 6, sub }, path);
      assert.equal((await it.streams.find(path))?.incomplete, false, path);
      assert.equal((await it.create(path, { ...ask, type: undefined })).isNew, false, path);
    }
    const own = await it.create("own", { ...forkOf("a", 3), bytes: Buffer.from("!") });
    assert.deepEqual([own.offset, await it.text("own")], [4, "one!"]);
    await it.append("a", "three");
    await it.append("end", "3");
    assert.deepEqual([await it.text("a"), await it.text("end")], ["onetwothree", "onetwo3"]);
  });

  it("is refused past the end of its source", async (t) => {
    const it = rig(t);
    await it.create("a", "one");
    for (const ask of [forkOf("a", 4), forkOf("a", 3, 1), forkOf("a", 0, 4), forkOf("a", undefined, 1)]) {
      assert.equal((await rejectsWith(it.create("b", ask), "bad_request")).path, "a");
    }
    assert.equal(await it.store.stat("b"), undefined);
    assert.deepEqual(await it.records.forksOf("a"), []);
  });

  it("of JSON begins between messages, and counts them", async (t) => {
    for (const readBytes of [1, 4, 1024]) {
      const it = rig(t, memoryStore(), { readBytes });
      await it.create("a", { type: JSON_TYPE, bytes: Buffer.from("[1, 22, 333]") });
      for (const [path, ask, text] of [
        ["all", forkOf("a"), "1\n22\n333\n"],
        ["one", forkOf("a", 2), "1\n"],
        ["none", forkOf("a", 0), ""],
        ["two", forkOf("a", 0, 2), "1\n22\n"],
        ["three", forkOf("a", 2, 2), "1\n22\n333\n"],
        ["next", forkOf("a", 2, 1), "1\n22\n"],
      ] as const) {
        await it.create(path, { ...ask, type: undefined });
        assert.equal(await it.text(path), text, `${path} with ${readBytes}`);
      }
      for (const ask of [forkOf("a", 1), forkOf("a", 3), forkOf("a", 10), forkOf("a", 0, 4), forkOf("a", 9, 1)]) {
        assert.equal((await rejectsWith(it.create("b", { ...ask, type: undefined }), "bad_request")).path, "a");
      }
      await it.close();
    }
  });

  it("leaves nothing of its source open", async (t) => {
    const memory = memoryStore();
    const open = new Set<unknown>();
    const store = withMembers(memory, {
      read: (...range) => {
        const reader = memory.read(...range).getReader();
        open.add(reader);
        return new ReadableStream({
          async pull(controller) {
            const { done, value } = await reader.read();
            if (!done) return controller.enqueue(value);
            open.delete(reader);
            controller.close();
          },
          async cancel() {
            open.delete(reader);
            await reader.cancel();
          },
        });
      },
    });
    const it = rig(t, store, { readBytes: 2 });
    await it.create("a", { type: JSON_TYPE, bytes: Buffer.from("[1, 22, 333]") });
    await it.create("b", { ...forkOf("a", 0, 1), type: undefined });
    await it.create("c", { ...forkOf("a", 2), type: undefined });
    await rejectsWith(it.create("d", { ...forkOf("a", 3), type: undefined }), "bad_request");
    await rejectsWith(it.create("d", { ...forkOf("a", 2, 9), type: undefined }), "bad_request");
    await turn();
    assert.equal(open.size, 0);
  });

  it("counts for its source only while it is there, and is one of that source", async (t) => {
    const it = rig(t);
    for (const path of ["a", "other"]) await it.create(path, "x");
    await it.create("fork", forkOf("a"));
    await it.create("plain", "y");
    await it.create("elsewhere", forkOf("other"));
    await plainFile(it.store, "file", "z");
    for (const path of ["none", "plain", "elsewhere", "file"]) await it.records.addFork("a", path);
    assert.deepEqual(await liveForks(it.records, "a"), ["fork"]);
    const fork = { source: "a", offset: 1, sub: 0 };
    const state = { created: true, producers: { p: { epoch: 0, seq: 0 } }, type: "text/plain", ttlSeconds: 5 };
    assert.deepEqual(tombstoneOf(state), { created: true, producers: {}, deleted: true });
    assert.deepEqual(tombstoneOf({ ...state, created: false, fork }), {
      ...{ created: false, producers: {}, deleted: true, fork },
    });
  });

  it("of JSON ends at the last whole message", async (t) => {
    const it = rig(t);
    await it.create("a", { type: JSON_TYPE, bytes: Buffer.from("[1]") });
    const raw = await it.registry.admit("a");
    raw.batcher.push(Buffer.from('2\n{"b":'));
    await raw.end("complete");
    await it.create("b", { ...forkOf("a"), type: undefined });
    assert.equal(await it.text("b"), "1\n2\n");
    await rejectsWith(it.create("c", { ...forkOf("a", 9), type: undefined }), "bad_request");
    await rejectsWith(it.create("c", { ...forkOf("a", 4, 1), type: undefined }), "bad_request");
  });

  it("of JSON stores its own messages behind those of its source", async (t) => {
    const it = rig(t);
    await it.create("a", { type: JSON_TYPE, bytes: Buffer.from("[1]") });
    const made = await it.create("b", { ...forkOf("a"), type: undefined, bytes: Buffer.from('[{"c": 2}]') });
    assert.deepEqual([made.offset, await it.text("b")], [10, '1\n{"c":2}\n']);
  });

  it("has the type of its source, and no other", async (t) => {
    const it = rig(t);
    await it.create("a", { type: "text/x-log; charset=utf-8" });
    const refused = await rejectsWith(it.create("b", forkOf("a")), "mismatch");
    assert.equal(refused.path, "a");
    assert.match(refused.message, /the type of its source, text\/x-log; charset=utf-8/);
    assert.deepEqual(await it.records.forksOf("a"), []);
    assert.equal((await it.create("b", { ...forkOf("a"), type: "TEXT/X-Log" })).isNew, true);
    assert.equal((await it.store.stat("b"))?.type, "TEXT/X-Log");
    assert.equal((await it.create("c", { ...forkOf("a"), type: undefined })).state?.type, "text/x-log; charset=utf-8");
    await plainFile(it.store, "plain", "text", "text/markdown");
    await rejectsWith(it.create("d", forkOf("plain")), "mismatch");
    const fork = await it.create("d", { ...forkOf("plain"), type: undefined });
    assert.deepEqual([fork.state?.type, fork.state?.created, await it.text("d")], ["text/markdown", true, "text"]);
    await plainFile(it.store, "unknown", "bytes");
    assert.equal((await it.create("e", { ...forkOf("unknown"), type: undefined })).state?.type, undefined);
  });

  it("of a closed stream is open, and has no producers", async (t) => {
    const it = rig(t);
    await it.create("a");
    await it.append("a", "x", { ...by("p", 0, 0), seq: "1", closes: true });
    const { state } = await it.create("b", forkOf("a"));
    assert.deepEqual([state?.closed, state?.producers, state?.seq], [undefined, {}, undefined]);
    assert.equal((await it.append("b", "y", by("p", 0, 0))).offset, 2);
    const closed = await it.create("c", { ...forkOf("a"), closes: true });
    assert.deepEqual([closed.state?.closed, await it.text("c")], [{}, "x"]);
    assert.deepEqual((await it.streams.find("c"))?.closed, {});
  });

  it("of what does not exist is refused, and of what was removed", async (t) => {
    const it = rig(t);
    assert.equal((await rejectsWith(it.create("b", forkOf("a")), "not_found")).path, "a");
    assert.deepEqual(await it.records.forksOf("a"), []);
    await it.create("a", "x");
    await it.create("b", forkOf("a"));
    await it.streams.remove("a");
    await rejectsWith(it.create("c", forkOf("a")), "mismatch");
    assert.deepEqual(await it.records.forksOf("a"), ["b"]);
  });

  it("is not there before all of it is, and is copied piece by piece", async (t) => {
    const memory = memoryStore();
    const batches: StoredBatch[] = [];
    const seen: boolean[] = [];
    const store = withBatches(memory, batches, async () => {
      if (batches.length > 0) seen.push((await memory.stat("b")) !== undefined);
    });
    const it = rig(t, store, { readBytes: 2 });
    await it.create("a", { bytes: Buffer.from("12345"), closes: true });
    await it.create("b", { ...forkOf("a", 4), bytes: Buffer.from("!"), closes: true });
    assert.deepEqual(
      batches.slice(1).map(({ text, change }) => [text, change?.incomplete, change?.closed]),
      [
        ["12", true, undefined],
        ["34", true, undefined],
        ["!", false, {}],
      ],
    );
    // Before the first piece, the claim has made an empty file.
    assert.deepEqual(seen.slice(1), [false, false]);
    assert.equal(await it.text("b"), "1234!");
  });

  it("whose copy fails leaves nothing, and its source can be removed", async (t) => {
    let left = 2;
    const memory = memoryStore();
    let cancelled = 0;
    const read: Store["read"] = (...range) => {
      const reader = memory.read(...range).getReader();
      return new ReadableStream({
        pull: async (controller) => controller.enqueue((await reader.read()).value ?? new Uint8Array(0)),
        cancel: () => void cancelled++,
      });
    };
    const it = rig(
      t,
      withBatches(withMembers(memory, { read }), [], () => {
        if (--left === -1) throw new StreamError("no_space", "The test fills the disk.", {});
      }),
      { readBytes: 1 },
    );
    await it.create("a", "123");
    await rejectsWith(it.create("b", forkOf("a")), "no_space");
    assert.equal(cancelled, 1);
    assert.equal(await it.store.stat("b"), undefined);
    assert.deepEqual(await it.records.forksOf("a"), []);
    left = 100;
    await it.streams.remove("a");
    assert.equal(await it.streams.find("a"), undefined);
  });

  it("that exists stays noted if another creation of it is refused", async (t) => {
    const it = rig(t);
    await it.create("a", "one");
    const asks = [forkOf("a"), { ...forkOf("a"), closes: true }];
    const both = await Promise.allSettled(asks.map((ask) => it.create("b", ask)));
    assert.deepEqual(
      both.map((one) => (one.status === "fulfilled" ? one.value.isNew : StreamError.from(one.reason).code)),
      [true, "mismatch"],
    );
    assert.deepEqual(await it.records.forksOf("a"), ["b"]);
  });

  it("begins with the content of its source that was found, or with none", async (t) => {
    const memory = memoryStore();
    let isReplaced = false;
    const store = withMembers(memory, {
      read: (path, from, to, signal, generation) => {
        const other = isReplaced && generation !== undefined ? "another" : generation;
        return memory.read(path, from, to, signal, other);
      },
    });
    const it = rig(t, store);
    await it.create("a", "one");
    isReplaced = true;
    await rejectsWith(it.create("b", forkOf("a")), "replaced");
    assert.equal(await it.store.stat("b"), undefined);
  });

  it("lives as long as its source, or as it asks", async (t) => {
    const it = rig(t);
    await it.create("a", { lifetime: { ttlSeconds: 60 } });
    assert.equal((await it.create("b", forkOf("a"))).state?.ttlSeconds, 60);
    const { state } = await it.create("c", { ...forkOf("a"), lifetime: { expiresAt: "2100-01-01T00:00:00Z" } });
    assert.deepEqual([state?.ttlSeconds, state?.expiresAt], [undefined, "2100-01-01T00:00:00Z"]);
    assert.deepEqual(state?.asked, { expiresAt: "2100-01-01T00:00:00Z" });
    const own = await it.create("d", { ...forkOf("a"), lifetime: { ttlSeconds: 5 } });
    assert.equal(own.state?.ttlSeconds, 5);
    const plain = await it.create("e", { lifetime: { ttlSeconds: 7 } });
    assert.deepEqual([plain.state?.ttlSeconds, plain.state?.asked, plain.state?.fork], [7, undefined, undefined]);
  });
});

describe("forks at once", () => {
  it("succeed as far as there is room for whole ones", async (t) => {
    // Each is copied byte by byte, so each would take a part of the room.
    const it = rig(t, memoryStore(), { storeBytes: 10, readBytes: 1 });
    await it.create("source", "012");
    const made = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => it.create(`fork${n}`, forkOf("source"))));
    const paths = made.flatMap(({ status }, at) => (status === "fulfilled" ? [`fork${at + 1}`] : []));
    assert.equal(paths.length, 2);
    for (const path of paths) assert.equal(await it.text(path), "012");
    for (const result of made) if (result.status === "rejected") assert.equal(result.reason.code, "no_space");
    // What was reserved for those that were refused is free again.
    await rejectsWith(it.append("source", "34"), "no_space");
    await it.append("source", "3");
    assert.equal(await it.text("source"), "0123");
  });

  it("reserve the bytes of their own as well, and give room back if their source can't be read", async (t) => {
    const it = rig(
      t,
      withMembers(memoryStore(), {
        read: (path: string) => {
          throw new StreamError("storage", `"/${path}" could not be read.`, { path });
        },
      }),
      { storeBytes: 10, readBytes: 1 },
    );
    await it.create("source", "0123");
    await rejectsWith(it.create("fork", { ...forkOf("source"), bytes: Buffer.from("456") }), "no_space");
    await rejectsWith(it.create("fork", forkOf("source")), "storage");
    await it.append("source", "456789");
    await rejectsWith(it.append("source", "0"), "no_space");
  });
});

describe("the beginning of a fork", () => {
  const STORES: Readonly<Record<string, (t: TestContext) => Promise<Store>>> = {
    "in memory": async () => memoryStore(),
    "in files": async (t) => {
      const root = await temporaryFolder("beginning");
      t.after(() => removeFolder(root));
      return fileStore({ root });
    },
  };

  async function names(store: Store): Promise<string[]> {
    const all: string[] = [];
    for await (const { name } of (await store.list("")) ?? []) all.push(name);
    return all;
  }

  for (const [where, open] of Object.entries(STORES)) {
    it(`is removed if the copy fails (${where})`, async (t) => {
      const store = await open(t);
      let left = 3;
      const failing = withBatches(store, [], () => {
        if (--left === -1) throw new StreamError("no_space", "The test fills the disk.", {});
      });
      const it = rig(t, failing, { readBytes: 1 });
      await it.create("a", "123");
      await rejectsWith(it.create("b", forkOf("a")), "no_space");
      assert.deepEqual([await names(store), await store.usedBytes?.()], [["a"], 3]);
      assert.deepEqual([await it.streams.find("b"), await it.records.forksOf("a")], [undefined, []]);
      assert.deepEqual(it.problems, []);
    });

    it(`is removed when a server starts, or when it is asked for, if its server has died (${where})`, async (t) => {
      const store = await open(t);
      const fork = { source: "a", offset: 3, sub: 0 };
      const beginning = { created: true, producers: {}, incomplete: true, fork };
      const die = async (path: string): Promise<void> => {
        await store.streams?.addFork("a", path);
        const handle = await store.claim(path);
        await handle.append(Buffer.from("on"), beginning);
        await handle.release();
      };
      const it = rig(t, store);
      await it.create("a", "one");
      await die("b");
      await it.streams.restore();
      assert.deepEqual(await names(store), ["a"]);
      await die("c");
      assert.equal(await it.streams.remove("a"), true);
      assert.equal((await it.streams.find("a"))?.deleted, true);
      assert.equal(await it.streams.use("c"), undefined);
      assert.deepEqual([await names(store), await it.records.list()], [[], []]);
    });

    it(`stays while it is copied, no matter who asks for it (${where})`, async (t) => {
      const store = await open(t);
      let go = (): void => {};
      let batches = 0;
      const held = withBatches(store, [], () => {
        if (++batches !== 3) return undefined;
        return new Promise((resolve) => {
          go = resolve;
        });
      });
      const it = rig(t, held, { readBytes: 1 });
      await it.create("a", "123");
      const forking = it.create("b", forkOf("a"));
      while (batches < 3) await turn();
      const other = rig(t, store);
      assert.equal((await it.streams.use("b"))?.incomplete, true);
      assert.equal((await other.streams.use("b"))?.incomplete, true);
      await other.streams.restore();
      go();
      assert.deepEqual([(await forking).offset, await it.text("b")], [3, "123"]);
    });
  }

  it("is not removed if it was completed since it was looked at", async (t) => {
    const memory = memoryStore();
    const { streams } = memory;
    assert.ok(streams);
    const state = { created: true, producers: {}, incomplete: true };
    const it = new DurableRig(memory, {}, withMembers(streams, { find: async () => state }));
    t.after(() => it.close());
    const handle = await memory.claim("b");
    await handle.append(Buffer.from("whole"), { ...state, incomplete: false });
    await handle.release("complete");
    assert.equal(await it.streams.settle("b"), state);
    assert.equal(await it.text("b"), "whole");
  });

  it("that can't be removed is told to the operator, and the copy fails with its own error", async (t) => {
    const memory = memoryStore();
    const denied = new StreamError("denied", "The test denies it.", {});
    const full = new StreamError("no_space", "The test fills the disk.", {});
    let left = 2;
    const failing = withBatches(memory, [], () => {
      if (--left === -1) throw full;
    });
    const it = rig(t, withMembers(failing, { remove: () => Promise.reject(denied) }), { readBytes: 1 });
    await it.create("a", "123");
    await assert.rejects(it.create("b", forkOf("a")), { code: "no_space" });
    assert.deepEqual(it.problems, [["b", denied]]);
  });
});
