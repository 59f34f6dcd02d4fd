/** The queue of pieces: order, batch sizes, copies and memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PieceQueue } from "../../src/engine/append/piece-queue.ts";
import { prng, randomBytes } from "../fixture/bytes.ts";

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
    while (queue.bytes > 0) take();
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

test("small pieces do not retain the buffer that they came in", () => {
  const queue = new PieceQueue();
  const large = new Uint8Array(100_000);
  for (let at = 0; at < 1000; at++) queue.push(large.subarray(at, at + 1));
  const batch = queue.take(1_000_000);
  assert.equal(batch.length, 1000);
  assert.ok(batch.buffer.byteLength <= 4 * batch.length, `${batch.buffer.byteLength} bytes of memory`);
});

test("cleared pieces do not come out", () => {
  const queue = new PieceQueue();
  for (const piece of ["a", "b", "c".repeat(5000), "d"]) queue.push(Buffer.from(piece));
  queue.clear();
  assert.equal(queue.bytes, 0);
  queue.push(Buffer.from("e"));
  assert.equal(String(Buffer.from(queue.take(10))), "e");
});
