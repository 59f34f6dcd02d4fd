/** The largest size of a path: what fits is stored, then the append fails. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Batcher } from "../../src/engine/append/batcher.ts";
import { Channel } from "../../src/engine/append/channel.ts";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import { TestHandle } from "../fixture/test-handle.ts";

/** An appender of a path that has `size` bytes and may have `pathBytes`. */
function appender(pathBytes: number, size = 0) {
  const handle = new TestHandle(size);
  const told: (number | string)[] = [];
  const batcher = new Batcher(new Channel("a", handle, new RecentPool(0)), resolveLimits({ pathBytes }), {
    stored: (offset) => told.push(offset),
    failed: ({ code, path }) => told.push(`${code} of ${path}`),
  });
  const push = async (...pieces: string[]): Promise<void> => {
    for (const piece of pieces) batcher.push(Buffer.from(piece));
    await batcher.idle;
  };
  return { batcher, told, push, stored: () => Buffer.concat(handle.stored).toString() };
}

test("of a piece that does not fit, the beginning is stored; then the append fails", async () => {
  const { batcher, told, push, stored } = appender(10);
  await push("12345678");
  await push("90abc", "def");
  assert.equal(stored(), "1234567890");
  assert.deepEqual(told, [8, 10, "limit of a"]);
  await push("more");
  assert.deepEqual(await batcher.end("complete"), { size: 10, reason: "limit" });
  assert.equal(stored(), "1234567890");
});

test("a path may be filled exactly; the next byte fails, and an empty piece does not", async () => {
  const { batcher, told, push, stored } = appender(10);
  await push("12345", "67890", "");
  assert.deepEqual(told, [10]);
  await push("x");
  assert.deepEqual([stored(), told], ["1234567890", [10, "limit of a"]]);
  assert.equal((await batcher.end("complete")).reason, "limit");
});

test("what the path had before counts, also if that is too much", async () => {
  const some = appender(10, 6);
  await some.push("789", "0ab");
  assert.deepEqual([some.stored(), some.told.at(-1)], ["7890", "limit of a"]);
  await some.batcher.end("complete");
  for (const size of [10, 20]) {
    const full = appender(10, size);
    await full.push("x");
    assert.deepEqual([full.stored(), full.told], ["", ["limit of a"]]);
    await full.batcher.end("complete");
    const unused = appender(10, size);
    assert.equal((await unused.batcher.end("complete")).reason, "complete", "an append without a byte does not fail");
  }
});

test("a limit of 0 is none", async () => {
  const { batcher, told, push } = appender(0, 5);
  await push("x".repeat(1_000));
  assert.deepEqual(told, [1_005]);
  assert.equal((await batcher.end("complete")).reason, "complete");
});
