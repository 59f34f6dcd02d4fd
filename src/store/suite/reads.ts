/**
 * Reads: exactly the requested ranges.
 * @module
 */
import { assert } from "./assert.ts";
import { concat, equalBytes, prng, randomBytes, textOf } from "./bytes.ts";
import { type Cases, holding, needing, put, readAll, rejectsWith, stored } from "./cases.ts";

const SIZE = 1024 * 1024 + 77;

/** The cases. */
export const READS: Cases = {
  "ranges are exact at both ends, also across many pieces": async ({ store }) => {
    const bytes = randomBytes(SIZE, 5);
    await put(store, "a.bin", bytes);
    const random = prng(6);
    const ranges = [
      [0, 0],
      [0, 1],
      [0, SIZE],
      [SIZE - 1, SIZE],
      [SIZE, SIZE],
      [262_143, 262_145],
      [1, SIZE - 1],
    ];
    for (let count = 0; count < 40; count++) {
      const ends = [random() * SIZE, random() * SIZE].map(Math.floor).sort((a, b) => a - b);
      ranges.push(ends);
    }
    for (const [from = 0, to = 0] of ranges) {
      const read = await readAll(store.read("a.bin", from, to));
      assert.equal(read.length, to - from, `${from} to ${to}`);
      equalBytes(read, bytes.subarray(from, to), `${from} to ${to}`);
    }
  },

  "no piece is empty": needing("byte streams", async ({ store }) => {
    await put(store, "a.bin", randomBytes(SIZE, 7));
    const reader = store.read("a.bin", 10, SIZE).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) assert.ok(next.value.length > 0);
  }),

  "a reader can pass its own buffer, and reuse it": needing("byte streams", async ({ store }) => {
    const bytes = randomBytes(SIZE, 8);
    await put(store, "a.bin", bytes);
    const reader = store.read("a.bin", 3, SIZE - 5).getReader({ mode: "byob" });
    const read: Uint8Array[] = [];
    let memory = new ArrayBuffer(100_000);
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(memory, 10, 99_000));
      if (done) break;
      assert.ok(value.length > 0);
      assert.equal(value.byteOffset, 10);
      read.push(value.slice());
      memory = value.buffer;
    }
    equalBytes(concat(read), bytes.subarray(3, SIZE - 5));
  }),

  "a signal ends a read before its end, and without an error": async ({ store }) => {
    await put(store, "a.bin", randomBytes(SIZE, 9));
    for (const pulls of [0, 1]) {
      const abort = new AbortController();
      const reader = store.read("a.bin", 0, SIZE, abort.signal).getReader();
      for (let count = 0; count < pulls; count++) assert.equal((await reader.read()).done, false);
      const pending = reader.read();
      abort.abort();
      // Chunks in the queue of an ordinary stream may still arrive.
      for (let next = await pending; !next.done; next = await reader.read());
    }
  },

  "a signal ends a read at once and without an error: before it began, between two pieces, while one is read": needing(
    "byte streams",
    async ({ store }) => {
      await put(store, "a.bin", randomBytes(SIZE, 9));
      const aborted = AbortSignal.abort();
      assert.equal((await readAll(store.read("a.bin", 0, SIZE, aborted))).length, 0);
      const between = new AbortController();
      const first = store.read("a.bin", 0, SIZE, between.signal).getReader();
      assert.equal((await first.read()).done, false);
      between.abort();
      assert.equal((await first.read()).done, true);
      const within = new AbortController();
      const second = store.read("a.bin", 0, SIZE, within.signal).getReader();
      const pending = second.read();
      within.abort();
      await pending;
      assert.equal((await second.read()).done, true);
    },
  ),

  "a reader that changes its bytes does not change the store": async ({ store }) => {
    await put(store, "a.txt", "clean");
    for await (const piece of store.read("a.txt", 0, 5)) piece.fill(0);
    assert.equal(textOf(await stored(store, "a.txt")), "clean");
  },

  "a read past the end fails with changed": async ({ store }) => {
    await put(store, "a.txt", "12345");
    await rejectsWith(readAll(store.read("a.txt", 0, 6)), "changed");
    await rejectsWith(readAll(store.read("a.txt", 5, 6)), "changed");
    await rejectsWith(readAll(store.read("a.txt", 100, 101)), "changed");
  },

  "a read of a missing path fails with changed, unless it asks for no bytes": async ({ store }) => {
    await rejectsWith(readAll(store.read("none.txt", 0, 1)), "changed");
    assert.equal((await readAll(store.read("none.txt", 0, 0))).length, 0);
  },

  "a resource that is removed while it is read yields its bytes or fails with changed": async ({ store }) => {
    const bytes = randomBytes(SIZE, 8);
    await put(store, "a.bin", bytes);
    const reader = store.read("a.bin", 0, SIZE).getReader();
    const read: Uint8Array[] = [];
    read.push((await reader.read()).value ?? new Uint8Array(0));
    await store.remove("a.bin");
    const rest = (async () => {
      for (let next = await reader.read(); !next.done; next = await reader.read()) read.push(next.value);
    })();
    await rest.catch(() => rejectsWith(rest, "changed"));
    const got = concat(read);
    equalBytes(got, bytes.subarray(0, got.length));
  },

  "many readers beside an appender each get the bytes that they asked for": async ({ store }) => {
    const bytes = randomBytes(SIZE, 9);
    await put(store, "a.bin", bytes);
    await holding(store, "a.bin", async (handle) => {
      const reads = Array.from({ length: 20 }, (_, at) => readAll(store.read("a.bin", at * 1000, SIZE - at)));
      for (let count = 0; count < 20; count++) await handle.append(randomBytes(10_000, count));
      for (const [at, read] of reads.entries()) {
        equalBytes(await read, bytes.subarray(at * 1000, SIZE - at));
      }
    });
  },

  "a cancelled read ends and can be repeated": async ({ store }) => {
    const bytes = randomBytes(SIZE, 10);
    await put(store, "a.bin", bytes);
    for (const pulls of [0, 1, 2]) {
      const reader = store.read("a.bin", 0, SIZE).getReader();
      for (let count = 0; count < pulls; count++) await reader.read();
      await reader.cancel();
      assert.equal((await reader.read()).done, true);
    }
    equalBytes(await stored(store, "a.bin"), bytes);
  },

  "a read that is cancelled while it waits for bytes ends": async ({ store }) => {
    await put(store, "a.bin", randomBytes(SIZE, 11));
    for (let count = 0; count < 20; count++) {
      const reader = store.read("a.bin", 0, SIZE).getReader();
      const first = reader.read();
      await reader.cancel();
      await first;
      assert.equal((await reader.read()).done, true);
    }
  },

  "a stream that is never read does not block other operations": async ({ store }) => {
    await put(store, "a.bin", randomBytes(1000, 12));
    const unread = Array.from({ length: 100 }, () => store.read("a.bin", 0, 1000));
    await put(store, "a.bin", "more");
    assert.equal(await store.remove("a.bin"), true);
    await Promise.all(unread.map((stream) => stream.cancel()));
  },
};
