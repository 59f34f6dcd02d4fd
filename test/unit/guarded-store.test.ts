/** The guard around custom stores, member by member: what it passes on, what it converts, what it refuses. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Store } from "../../src/engine/storage/store.ts";
import { guardedStore } from "../../src/engine/storage/store-guard.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { convertsErrors, guarded, guardedHandle } from "../fixture/guarded-store.ts";

async function all<T>(values: AsyncIterable<T> | Iterable<T> | undefined): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values ?? []) found.push(value);
  return found;
}

describe("a guarded store", () => {
  it("passes arguments and results on", async () => {
    const calls: unknown[] = [];
    const found = { size: 1, modified: new Date(), generation: "g", type: "text/plain" };
    const answering =
      <T>(answer: T) =>
      async (...terms: unknown[]): Promise<T> => {
        calls.push(terms);
        return answer;
      };
    const record = { path: "s", digest: "d" };
    const claim = { epoch: 1, isOurs: () => true };
    const withdrawn: string[] = [];
    const store = guarded({
      stat: answering(found),
      list: answering([1, 2]),
      remove: answering(true),
      tidy: answering(undefined),
      requestHandover: answering(async () => void withdrawn.push("withdrawn")),
      watch: answering([{ size: 4 }]),
      sessions: {
        save: answering(undefined),
        find: answering(record),
        remove: answering(undefined),
        list: answering([record]),
      },
    });
    const { signal } = new AbortController();
    assert.deepEqual(await store.stat("a"), found);
    assert.deepEqual(await all(await store.list("f", { limit: 2 })), [1, 2]);
    const check = async (): Promise<void> => {};
    assert.equal(await store.remove("r", check), true);
    await store.tidy?.();
    await (await store.requestHandover?.("h"))?.();
    assert.deepEqual(await all((await store.watch?.("w", signal)) ?? []), [{ size: 4 }]);
    await store.sessions.save(record, claim);
    assert.equal(await store.sessions.find("s"), record);
    await store.sessions.remove("s", claim);
    assert.deepEqual(await store.sessions.list(), [record]);
    const sessionCalls = [[record, claim], ["s"], ["s", claim], []];
    assert.deepEqual(calls, [["a"], ["f", { limit: 2 }], ["r", check], [], ["h"], ["w", signal], ...sessionCalls]);
    assert.deepEqual(withdrawn, ["withdrawn"]);
  });

  it("calls the optional members on the store itself, and lacks those that the store lacks", async () => {
    const seen: unknown[] = [];
    class Driver {
      async tidy(): Promise<void> {
        seen.push(this);
      }
      async requestHandover(): Promise<() => Promise<void>> {
        seen.push(this);
        return async () => {};
      }
      async watch(): Promise<undefined> {
        seen.push(this);
      }
    }
    const driver = new Driver();
    const store = guardedStore(driver as unknown as Store);
    await store.tidy?.();
    await store.requestHandover?.("a");
    assert.equal(await store.watch?.("a", new AbortController().signal), undefined, "there is no append");
    assert.deepEqual(seen, [driver, driver, driver]);
    const least = guarded({});
    for (const member of ["tidy", "requestHandover", "watch"]) assert.ok(!(member in least), member);
  });

  it("shows what a driver says of itself, at any time, and how to open and close it", async () => {
    const driver: Record<string, unknown> = { maxStaleMs: 5 };
    const calls: unknown[] = [];
    for (const name of ["open", "close", "health"]) {
      driver[name] = async function (this: unknown): Promise<string> {
        calls.push(this);
        return name;
      };
    }
    const store = guardedStore(driver as unknown as Store);
    const { maxStaleMs, maxBatchBytes, maxWholeBatchBytes } = store;
    assert.deepEqual([maxStaleMs, maxBatchBytes, maxWholeBatchBytes], [5, undefined, undefined]);
    Object.assign(driver, { maxBatchBytes: 6, maxWholeBatchBytes: 7 });
    assert.deepEqual([store.maxBatchBytes, store.maxWholeBatchBytes], [6, 7]);
    await store.open?.();
    await store.close?.();
    assert.equal(await store.health?.(), "health");
    assert.deepEqual(calls, [driver, driver, driver]);
    const least = guarded({});
    for (const member of ["open", "close", "health"]) assert.ok(!(member in least), member);
  });

  it("lets the operator read why a store can't be opened, and says when a client may try again", async () => {
    const error = new Error("nats://host refuses the password");
    await assert.rejects(async () => guarded({ open: () => Promise.reject(error) }).open?.(), error);
    const down = () => Promise.reject(new StreamError("unavailable", "No quorum."));
    const { headers } = await rejectsWith(guarded({ stat: down }).stat("a"), "unavailable");
    assert.deepEqual(headers, { "Retry-After": "1" });
  });

  it("converts the errors of every member", async () => {
    const never = new AbortController().signal;
    await convertsErrors("a", (fail) => guarded({ stat: fail }).stat("a"));
    await convertsErrors("a", (fail) => guarded({ claim: fail }).claim("a"));
    await convertsErrors("a", (fail) => guarded({ list: fail }).list("a"));
    await convertsErrors("a", (fail) => guarded({ remove: fail }).remove("a"));
    await convertsErrors("a", (fail) => guarded({ read: fail }).read("a", 0, 1).getReader().read());
    await convertsErrors("", async (fail) => guarded({ tidy: fail }).tidy?.());
    await convertsErrors("a", async (fail) => guarded({ requestHandover: fail }).requestHandover?.("a"));
    await convertsErrors("a", async (fail) =>
      (await guarded({ requestHandover: async () => fail }).requestHandover?.("a"))?.(),
    );
    await convertsErrors("a", async (fail) => guarded({ watch: fail }).watch?.("a", never));
    await convertsErrors("a", (fail) => guarded({ sessions: { save: fail } }).sessions.save({ path: "a", digest: "" }));
    await convertsErrors("a", (fail) => guarded({ sessions: { find: fail } }).sessions.find("a"));
    await convertsErrors("a", (fail) => guarded({ sessions: { remove: fail } }).sessions.remove("a"));
    await convertsErrors("", (fail) => guarded({ sessions: { list: fail } }).sessions.list());
  });

  it("converts errors that come only after the first row or update", async () => {
    async function* failing(fail: () => never): AsyncGenerator<number> {
      yield 1;
      fail();
    }
    await convertsErrors("a", async (fail) => all(await guarded({ list: async () => failing(fail) }).list("a")));
    await convertsErrors("a", async (fail) =>
      all((await guarded({ watch: async () => failing(fail) }).watch?.("a", new AbortController().signal)) ?? []),
    );
  });

  it("knows no path and no folder that the store does not know", async () => {
    const store = guarded({ stat: async () => undefined, list: async () => undefined });
    assert.deepEqual([await store.stat("a"), await store.list("a")], [undefined, undefined]);
  });

  it("takes a generation that fits into a header, or none", async () => {
    const at = { size: 0, modified: new Date() };
    for (const generation of ["", "!~", "x".repeat(255)]) {
      assert.equal((await guarded({ stat: async () => ({ ...at, generation }) }).stat("a"))?.generation, generation);
    }
    assert.equal((await guarded({ stat: async () => at }).stat("a"))?.generation, "");
    for (const generation of ["x".repeat(256), "a b", "\na", "a\n", "ä", " ", "\u007f"]) {
      await rejectsWith(guarded({ stat: async () => ({ ...at, generation }) }).stat("a"), "storage");
    }
  });

  it("refuses sizes that are none, and times that are no Date", async () => {
    const modified = new Date();
    for (const size of [-1, 1.5, Number.NaN, 2 ** 53, "5", 5n, null, undefined]) {
      const error = await rejectsWith(guarded({ stat: async () => ({ size, modified }) }).stat("a"), "storage");
      assert.match(String(error.cause), /the size of a resource/);
      await rejectsWith(guardedHandle({ offset: size }), "storage");
      await rejectsWith((await guardedHandle({ append: async () => size })).append(Uint8Array.of(1)), "storage");
    }
    await rejectsWith(guarded({ stat: async () => ({ size: 0, modified: 5 }) }).stat("a"), "storage");
  });
});

describe("a guarded read", () => {
  /** Reads the range from 2 to 5 of a store that returns these chunks. */
  const reading = (...chunks: unknown[]): ReadableStreamDefaultReader<Uint8Array> => {
    const stream = new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        controller.close();
      },
    });
    return guarded({ read: () => stream })
      .read("a", 2, 5)
      .getReader();
  };

  it("yields the bytes without empty chunks, and ends with the driver's stream", async () => {
    const none = new Uint8Array(0);
    const reader = reading(none, Uint8Array.of(1, 2), none, none, Uint8Array.of(3), none);
    assert.deepEqual((await reader.read()).value, Uint8Array.of(1, 2));
    assert.deepEqual((await reader.read()).value, Uint8Array.of(3));
    assert.equal((await reader.read()).done, true);
  });

  it("fails at the first chunk that is not bytes, or has more of them than the range", async () => {
    for (const chunks of [["12"], [new Uint8Array(4)], [new Uint8Array(3), new Uint8Array(1)], [new Uint16Array(1)]]) {
      const reader = reading(...chunks);
      for (let left = chunks.length; left > 1; left--) await reader.read();
      const error = await rejectsWith(reader.read(), "storage");
      assert.match(String(error.cause), /violates its contract/);
    }
  });

  it("converts the errors of the driver's stream", async () => {
    await convertsErrors("a", (fail) => {
      const read = (): ReadableStream<Uint8Array> => new ReadableStream({ pull: () => fail() });
      return guarded({ read }).read("a", 0, 1).getReader().read();
    });
  });

  it("asks the driver for nothing before it is read, and passes its cancellation on", async () => {
    const seen: unknown[] = [];
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          seen.push("pull");
          controller.enqueue(Uint8Array.of(1));
        },
        cancel: (reason) => void seen.push(reason),
      },
      { highWaterMark: 0 },
    );
    const { signal } = new AbortController();
    let terms: unknown[] = [];
    const read = (...given: unknown[]): ReadableStream<Uint8Array> => {
      terms = given;
      return stream;
    };
    const reader = guarded({ read }).read("a", 0, 9, signal, "g").getReader();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([seen, terms], [[], ["a", 0, 9, signal, "g"]]);
    await reader.read();
    await reader.cancel("enough");
    assert.deepEqual(seen, ["pull", "enough"]);
  });
});
