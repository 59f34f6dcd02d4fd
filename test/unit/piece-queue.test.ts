/** The queue of pieces: order, batch sizes, copies and memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PieceQueue } from "../../src/engine/append/piece-queue.ts";
import { prng, randomBytes } from "../fixture/bytes.ts";
import { collect, retains } from "../fixture/memory.ts";
import { until } from "../fixture/until.ts";

test("every byte comes out once and in order, in batches within their limit, whatever the sizes", () => {
  const random = prng(7);
  for (let round = 0; round < 200; round++) {
    const queue = new PieceQueue();
    const given: Buffer[] = [];
    const taken: Uint8Array[] = [];
    const take = (): void => {
      const most = 1 + Math.floor(random() ** 3 * 200_000);
      const before = queue.bytes;
      const batch = queue.take(most);
      assert.ok(batch.length <= most && (batch.length > 0 || before === 0), `${batch.length} of at most ${most}`);
      assert.equal(queue.bytes, before - batch.length);
      taken.push(batch);
    };
    for (let count = 0; count < 100; count++) {
      const piece = randomBytes(Math.floor(random() ** 4 * 100_000), round * 100 + count);
      given.push(piece);
      queue.push(piece);
      if (random() < 0.2) take();
    }
    for (let left = 10_000; queue.bytes > 0 && left > 0; left--) take();
    assert.ok(Buffer.concat(taken).equals(Buffer.concat(given)), `round ${round}`);
  }
});

test("a single piece is not copied", () => {
  const queue = new PieceQueue();
  for (const piece of [Buffer.from("little"), Buffer.alloc(10_000, 1)]) {
    queue.push(piece);
    assert.equal(queue.take(100_000), piece);
  }
});

test("pieces of 64 bytes and more are not copied, and leave one by one if the batch has no room for two", () => {
  const queue = new PieceQueue();
  const pieces = [64, 64, 65, 100].map((length, at) => randomBytes(length, at));
  for (const piece of pieces) queue.push(piece);
  for (const piece of pieces) assert.equal(queue.take(Math.max(piece.length, 100)), piece);
  assert.equal(queue.take(100).length, 0);
});

test("a batch has as many whole pieces as fit, or the beginning of one that does not fit", () => {
  const queue = new PieceQueue();
  const bytes = randomBytes(500, 1);
  for (let at = 0; at < bytes.length; at += 100) queue.push(bytes.subarray(at, at + 100));
  const taken = [200, 199, 150, 30, 70, 1000].map((most) => queue.take(most));
  assert.deepEqual(
    taken.map(({ length }) => length),
    [200, 100, 100, 30, 70, 0],
  );
  assert.ok(Buffer.concat(taken).equals(bytes));
});

test("small pieces do not retain the buffer that they came in", async () => {
  const queue = new PieceQueue();
  const memory = ((large: Uint8Array): WeakRef<ArrayBufferLike> => {
    for (let at = 0; at < 1000; at++) queue.push(large.subarray(at, at + 1));
    return new WeakRef(large.buffer);
  })(new Uint8Array(100_000));
  await until("the buffer to be free", () => {
    collect();
    return memory.deref() === undefined;
  });
  const batch = queue.take(1_000_000);
  assert.equal(batch.length, 1000);
  assert.ok(batch.buffer.byteLength <= 4 * batch.length, `${batch.buffer.byteLength} bytes of memory`);
});

test("any number of small pieces comes out in order, between large ones, too", () => {
  const queue = new PieceQueue();
  const random = prng(8);
  const bytes = randomBytes(400_000, 8);
  let at = 0;
  const push = (length: number): void => {
    queue.push(bytes.subarray(at, at + length));
    at += length;
  };
  while (at < 300_000) push(1 + Math.floor(random() * 63));
  while (at < bytes.length) push(random() < 0.1 ? 500 : 1 + Math.floor(random() * 63));
  assert.equal(queue.bytes, bytes.length);
  assert.ok(Buffer.from(queue.take(bytes.length)).equals(bytes));
});

test("a queue that is never empty gives out every byte once and in order", () => {
  const queue = new PieceQueue();
  const bytes = randomBytes(640_000, 9);
  const taken: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 64) {
    queue.push(bytes.subarray(at, at + 64));
    if (at % 192 === 0) taken.push(queue.take(100));
  }
  for (let left = 10_000; queue.bytes > 0 && left > 0; left--) taken.push(queue.take(300));
  assert.ok(Buffer.concat(taken).equals(bytes));
});

test("a queue needs memory for what is in it, and not for what was", async () => {
  const piece = randomBytes(64, 10);
  for (const waiting of [0, 1]) {
    const queue = new PieceQueue();
    for (let count = 0; count < waiting; count++) queue.push(piece);
    await retains(4_000_000, () => {
      for (let count = 0; count < 1_000_000; count++) {
        queue.push(piece);
        queue.take(64);
      }
    });
    assert.equal(queue.bytes, 64 * waiting);
  }
});

test("cleared pieces do not come out", () => {
  const queue = new PieceQueue();
  for (const piece of ["a", "b", "c".repeat(5000), "d"]) queue.push(Buffer.from(piece));
  queue.clear();
  assert.equal(queue.bytes, 0);
  queue.push(Buffer.from("e"));
  assert.equal(String(Buffer.from(queue.take(10))), "e");
});
