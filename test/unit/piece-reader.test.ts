/**
 * Reading in pieces that grow, and whose memory is reused.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PieceReader } from "../../src/engine/storage/piece-reader.ts";
import { rangeStream } from "../../src/engine/storage/range-stream.ts";
import { randomBytes } from "../fixture/bytes.ts";

const KIB = 1024;

/** A reader of bytes that are always available. */
function readerOf(bytes: Uint8Array, maxBytes: number): PieceReader {
  const read = (into: Uint8Array, at: number) => {
    const piece = bytes.subarray(at, at + into.length);
    into.set(piece);
    return piece.length;
  };
  const stream = rangeStream({ from: 0, to: bytes.length, pieceBytes: 1, read });
  return new PieceReader(stream, maxBytes);
}

test("pieces begin at 64 KiB, double, and stop growing at the limit", async () => {
  const bytes = randomBytes(1000 * KIB, 1);
  const pieces = readerOf(bytes, 300 * KIB);
  const sizes: number[] = [];
  const read: Uint8Array[] = [];
  for (let piece = await pieces.read(); piece; piece = await pieces.read()) {
    sizes.push(piece.length / KIB);
    read.push(piece);
  }
  assert.deepEqual(sizes, [64, 128, 256, 300, 252]);
  assert.deepEqual(Buffer.concat(read), bytes);
});

test("a limit below 64 KiB applies from the first piece on", async () => {
  const pieces = readerOf(randomBytes(5, 2), 2);
  const sizes = [await pieces.read(), await pieces.read(), await pieces.read()].map((piece) => piece?.length);
  assert.deepEqual(sizes, [2, 2, 1]);
  assert.equal(await pieces.read(), undefined);
});

test("memory that was given back is reused, and no other", async () => {
  const bytes = randomBytes(192 * KIB, 3);
  const pieces = readerOf(bytes, 64 * KIB);
  const first = (await pieces.read()) as Uint8Array<ArrayBuffer>;
  pieces.reuse(first);
  const second = await pieces.read();
  assert.equal(first.buffer.byteLength, 0, "it has moved on");
  const third = await pieces.read();
  assert.deepEqual(Buffer.concat([second as Uint8Array, third as Uint8Array]), bytes.subarray(64 * KIB));
});

test("a piece gets its prefix in the same buffer", async () => {
  const pieces = readerOf(new Uint8Array([3, 4]), 64 * KIB);
  const piece = (await pieces.read()) as Uint8Array<ArrayBuffer>;
  const whole = pieces.prefixed(piece, new Uint8Array([1, 2]));
  assert.deepEqual([...whole], [1, 2, 3, 4]);
  assert.equal(whole.buffer, piece.buffer);
});

test("an ordinary stream can be read too, whatever the size and kind of its chunks", async () => {
  const bytes = randomBytes(300 * KIB, 4);
  const chunks = [bytes.subarray(0, 1), Buffer.alloc(0), bytes.subarray(1, 200 * KIB), bytes.subarray(200 * KIB)];
  const ordinary = (): ReadableStream<Uint8Array> =>
    new ReadableStream({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk) controller.enqueue(chunk);
        else controller.close();
      },
    });
  const pieces = new PieceReader(ordinary(), 128 * KIB);
  const read: Buffer[] = [];
  for (let piece = await pieces.read(); piece; piece = await pieces.read()) {
    read.push(Buffer.from(piece));
    assert.deepEqual([...pieces.prefixed(piece, new Uint8Array([7])).subarray(0, 2)], [7, piece[0]]);
    pieces.reuse(piece);
  }
  assert.deepEqual(Buffer.concat(read), bytes);
});

test("a chunk that is not bytes fails the read", async () => {
  const stream = new ReadableStream({ start: (controller) => controller.enqueue("text") });
  await assert.rejects(new PieceReader(stream, KIB).read(), TypeError);
});
