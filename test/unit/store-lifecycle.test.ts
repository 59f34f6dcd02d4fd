/** When a store is opened, and when it is closed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fstream, memoryStore } from "../../mod.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { StoreLifecycle } from "../../src/engine/storage/store-lifecycle.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { put, rejectsWith, stored } from "../contract/store/driver.ts";
import { withMembers } from "../fixture/durable-rig.ts";
import { settle } from "../fixture/rig.ts";
import { gate } from "../fixture/shared-store.ts";

/** A memory store with a life, which a test controls, and the calls of it. */
function living(members: Partial<Store> = {}): { store: Store; calls: string[] } {
  const calls: string[] = [];
  const memory = memoryStore();
  const store = withMembers<Store>(memory, {
    stat: async (path) => {
      calls.push(`stat ${path}`);
      return memory.stat(path);
    },
    open: async () => void calls.push("open"),
    close: async () => void calls.push("close"),
    ...members,
  });
  return { store, calls };
}

describe("the life of a store", () => {
  it("opens it before its first use, once for all that come meanwhile", async () => {
    const { promise, open } = gate();
    const { store, calls } = living({
      open: async () => {
        calls.push("open");
        await promise;
        calls.push("opened");
      },
    });
    const { store: used } = new StoreLifecycle(store);
    const both = Promise.all([used.stat("a"), used.stat("b"), used.sessions.find("a"), used.streams?.find("a")]);
    await settle();
    assert.deepEqual(calls, ["open"]);
    open();
    await both;
    assert.deepEqual(calls, ["open", "opened", "stat a", "stat b"]);
    await used.stat("c");
    assert.deepEqual(calls.slice(4), ["stat c"]);
  });

  it("is the store itself if that needs no opening", () => {
    const memory = memoryStore();
    const life = new StoreLifecycle(memory);
    assert.equal(life.store, memory);
    let isRun = false;
    life.whenOpen(() => {
      isRun = true;
    });
    assert.ok(isRun, "at once");
  });

  it("lets reads wait, and be cancelled meanwhile", async () => {
    const memory = memoryStore();
    await put(memory, "a", "hello");
    const { promise, open } = gate();
    const { store } = new StoreLifecycle(withMembers(memory, { open: () => promise }));
    const read = new Response(store.read("a", 1, 5) as ReadableStream<Uint8Array<ArrayBuffer>>).text();
    const cancelled = store.read("a", 0, 5).getReader();
    const next = cancelled.read();
    await cancelled.cancel();
    assert.equal((await next).done, true);
    open();
    assert.equal(await read, "ello");
    assert.equal(String(await stored(store, "a")), "hello");
  });

  it("tries again at the next use after a failure, of which clients learn no more than that", async () => {
    const failures = [
      new StreamError("unavailable", "nats://secret-host is down."),
      new Error("bad password"),
      undefined,
    ];
    const { store, calls } = living({
      open: async () => {
        calls.push("open");
        const failure = failures.shift();
        if (failure) throw failure;
      },
    });
    const life = new StoreLifecycle(store);
    const down = await rejectsWith(life.store.stat("a"), "unavailable");
    assert.deepEqual([down.headers["Retry-After"], /secret/.test(down.message)], ["1", false]);
    assert.match(String(down.cause), /secret-host/, "for the log");
    const bad = await rejectsWith(life.store.stat("a"), "storage");
    assert.doesNotMatch(bad.message, /password/);
    await life.store.stat("a");
    assert.deepEqual(calls, ["open", "open", "open", "stat a"]);
  });

  it("tells the program that opens it what is wrong", async () => {
    const error = new StreamError("unavailable", "nats://host is down.");
    const life = new StoreLifecycle(living({ open: () => Promise.reject(error) }).store);
    await assert.rejects(life.open(), error);
  });

  it("connects only once, even if the check of the server fails", async () => {
    const { store, calls } = living();
    let isBad = true;
    const life = new StoreLifecycle(store, () => {
      if (isBad) throw new RangeError("too large");
    });
    await assert.rejects(life.open(), RangeError);
    isBad = false;
    await life.open();
    await life.open();
    assert.deepEqual(calls, ["open"]);
  });

  it("closes it once, after an opening that goes on", async () => {
    const { promise, open } = gate();
    const { store, calls } = living({
      open: async () => {
        await promise;
        calls.push("opened");
      },
    });
    const life = new StoreLifecycle(store);
    life.whenOpen(() => calls.push("task"));
    const closed = Promise.all([life.close(), life.close()]);
    open();
    await closed;
    assert.deepEqual(calls, ["opened", "task", "close"]);
  });
});

describe("an app whose store has a life", () => {
  it("opens the store by itself, and restores what was open once it is", async () => {
    const { promise, open } = gate();
    const { store, calls } = living({
      open: async () => {
        calls.push("open");
        await promise;
      },
      tidy: async () => void calls.push("tidy"),
    });
    const app = fstream({ store, log: () => {} });
    const answer = app.request("/none.txt");
    await settle();
    assert.deepEqual(calls, ["open"]);
    open();
    assert.equal((await answer).status, 404);
    assert.ok(calls.includes("tidy"));
    await app.close();
    assert.equal(calls.at(-1), "close");
  });

  it("answers 503 with Retry-After while the store can't be opened", async () => {
    const { store } = living({ open: () => Promise.reject(new StreamError("unavailable", "down")) });
    const app = fstream({ store, log: () => {} });
    for (const init of [{}, { method: "PUT", body: "x" }]) {
      const response = await app.request("/a.txt?verb=APPEND".slice(0, init.method ? undefined : 6), init);
      assert.deepEqual(
        [response.status, response.headers.get("Stream-Error"), response.headers.get("Retry-After")],
        [503, "unavailable", "1"],
      );
    }
    await app.close();
  });

  it("says why the store can't serve, and nothing if the store says nothing", async () => {
    let why: string | undefined = "No quorum.";
    const app = fstream({ store: living({ health: async () => why }).store, log: () => {} });
    assert.equal(await app.health(), "No quorum.");
    why = undefined;
    assert.equal(await app.health(), undefined);
    await app.close();
    const failing = fstream({ store: living({ health: () => Promise.reject(new Error("bug")) }).store, log: () => {} });
    assert.match(String(await failing.health()), /The store failed/);
    await failing.close();
    const plain = fstream({ store: memoryStore() });
    assert.equal(await plain.health(), undefined);
    await plain.open();
    await plain.close();
  });
});
