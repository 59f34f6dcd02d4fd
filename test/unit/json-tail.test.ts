/** Where the last message of a JSON stream ends, and ranges that are read at once. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf, lineEndOf } from "../../src/engine/storage/json-tail.ts";
import type { Store } from "../../src/engine/storage/store.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { put, rejectsWith } from "../contract/store/driver.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { withMembers } from "../fixture/durable-rig.ts";

const KIB = 1024;

/** A store with a content at "a", and the ranges of it that were read. */
async function storeOf(content: string | Uint8Array) {
  const memory = memoryStore();
  await put(memory, "a", content);
  const reads: unknown[] = [];
  const store = withMembers(memory, {
    read: (path, ...range) => {
      reads.push(range);
      return memory.read(path, ...range);
    },
  });
  const found = await memory.stat("a");
  assert.ok(found);
  return { store, reads, found };
}

/** A store whose reads return a stream. */
function returning(source: UnderlyingDefaultSource<Uint8Array>): Store {
  return withMembers(memoryStore(), { read: () => new ReadableStream(source) });
}

describe("the end of the last line", () => {
  it("is the size if the last byte ends it, which takes one look", async () => {
    const { store, reads, found } = await storeOf("1\n2\n");
    assert.equal(await lineEndOf(store, "a", found), 4);
    assert.deepEqual(reads, [[3, 4, undefined, found.generation]]);
  });

  it("is in front of an unfinished line", async () => {
    for (const [content, end] of [
      ["1\n2", 2],
      ["\n2", 1],
      ["1\n\n2", 3],
      ["12", 0],
      ["1", 0],
    ] as const) {
      const { store, found } = await storeOf(content);
      assert.equal(await lineEndOf(store, "a", found), end, JSON.stringify(content));
    }
  });

  it("is found by looks of 64 KiB, and by none at nothing", async () => {
    const empty = await storeOf("");
    assert.equal(await lineEndOf(empty.store, "a", empty.found), 0);
    assert.deepEqual(empty.reads, []);
    const long = await storeOf(`1\n${"x".repeat(150 * KIB - 1)}`);
    assert.equal(await lineEndOf(long.store, "a", long.found), 2);
    const ranges = long.reads.map((range) => (range as number[]).slice(0, 2));
    const [size, look] = [150 * KIB + 1, 64 * KIB];
    assert.deepEqual(ranges, [
      [size - 1, size],
      [size - 1 - look, size - 1],
      [size - 1 - 2 * look, size - 1 - look],
      [0, size - 1 - 2 * look],
    ]);
    const none = await storeOf("x".repeat(65 * KIB));
    assert.equal(await lineEndOf(none.store, "a", none.found), 0);
  });

  it("is that of one content only", async () => {
    const { store, found } = await storeOf("1\n2");
    await rejectsWith(lineEndOf(store, "a", { ...found, generation: "another" }), "replaced");
    assert.equal(await lineEndOf(store, "a", { ...found, generation: "" }), 2);
  });
});

describe("the bytes of a range", () => {
  it("are there at once, whatever their number", async () => {
    const bytes = randomBytes(300 * KIB, 1);
    const { store, reads } = await storeOf(bytes);
    const range = { from: 5, to: 290 * KIB, generation: "" };
    assert.deepEqual(Buffer.from(await bytesOf(store, "a", range)), bytes.subarray(5, 290 * KIB));
    assert.deepEqual(reads, [[5, 290 * KIB, undefined, undefined]]);
    assert.equal((await bytesOf(store, "a", { from: 7, to: 7, generation: "" })).length, 0);
    assert.equal(reads.length, 1, "an empty range is not read");
  });

  it("are as many as the store has", async () => {
    const store = returning({
      start: (controller) => {
        controller.enqueue(Uint8Array.of(1, 2));
        controller.close();
      },
    });
    assert.deepEqual(await bytesOf(store, "a", { from: 0, to: 9, generation: "" }), Uint8Array.of(1, 2));
  });

  it("fail with the store, and with what it said first", async () => {
    const failure = new StreamError("changed", "It was removed.");
    const store = returning({ start: (controller) => controller.error(failure) });
    await assert.rejects(bytesOf(store, "a", { from: 0, to: 9, generation: "" }), failure);
  });

  it("are never more than the range: the store's stream is given up", async () => {
    for (const failure of [undefined, new Error("It can't be cancelled.")]) {
      let cancelled = 0;
      const store = returning({
        start: (controller) => controller.enqueue(new Uint8Array(5)),
        cancel: () => {
          cancelled++;
          if (failure) throw failure;
        },
      });
      await assert.rejects(bytesOf(store, "a", { from: 0, to: 4, generation: "" }), RangeError);
      assert.equal(cancelled, 1);
    }
  });
});
