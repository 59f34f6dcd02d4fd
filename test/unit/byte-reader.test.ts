/** Reading streams of both kinds into the caller's memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { byobReader, byteReader } from "../../src/engine/storage/byte-reader.ts";
import { PieceReader } from "../../src/engine/storage/piece-reader.ts";
import { rangeStream } from "../../src/engine/storage/range-stream.ts";

/** Counts how often it is cancelled. */
class Source {
  cancelled = 0;

  /** A stream of five bytes; of an ordinary one, they are one chunk. */
  stream(kind: string): ReadableStream<Uint8Array> {
    if (kind === "byte") {
      const read = (into: Uint8Array, at: number): number => into.fill(at).length;
      return rangeStream({ from: 0, to: 5, pieceBytes: 5, read, close: () => void this.cancelled++ });
    }
    return new ReadableStream({
      start: (controller) => controller.enqueue(Uint8Array.of(0, 0, 0, 3, 3)),
      cancel: () => void this.cancelled++,
    });
  }
}

for (const kind of ["byte", "ordinary"]) {
  test(`an ${kind} stream fills the memory that it gets, and no more`.replace("an byte", "a byte"), async () => {
    const reader = byteReader(new Source().stream(kind));
    const memory = new ArrayBuffer(10);
    const first = await reader.read(new Uint8Array(memory, 2, 3));
    assert.deepEqual([first?.byteOffset, first?.length, first?.buffer.byteLength], [2, 3, 10]);
    const second = await reader.read(new Uint8Array(3));
    assert.deepEqual([...(second ?? [])], [3, 3]);
  });

  test(`the cancellation of a reader reaches its ${kind} stream, and leaves nothing to read`, async () => {
    const source = new Source();
    const reader = byteReader(source.stream(kind));
    await reader.read(new Uint8Array(3));
    await reader.cancel();
    assert.equal(source.cancelled, 1);
    assert.equal(await reader.read(new Uint8Array(3)), undefined);
  });

  test(`a piece reader passes its cancellation on to its ${kind} stream, or to its reader`, async () => {
    const source = new Source();
    await new PieceReader(source.stream(kind), 1024).cancel();
    await new PieceReader(byteReader(source.stream(kind)), 1024).cancel();
    assert.equal(source.cancelled, 2);
  });
}

test("only a byte stream has a reader that fills memory directly", () => {
  assert.ok(byobReader(new Source().stream("byte")));
  assert.equal(byobReader(new Source().stream("ordinary")), undefined);
});

test("a chunk that is not bytes is an error of the store", async () => {
  for (const chunk of ["text", [1, 2], new Uint16Array(3), new ArrayBuffer(3)]) {
    const stream = new ReadableStream({ start: (controller) => controller.enqueue(chunk) });
    await assert.rejects(byteReader(stream).read(new Uint8Array(9)), /not a Uint8Array/);
  }
});

test("memory that is too small for the next piece is not reused for it", async () => {
  const kib = 1024;
  const read = (into: Uint8Array): number => into.length;
  const pieces = new PieceReader(rangeStream({ from: 0, to: 512 * kib, pieceBytes: 1, read }), 128 * kib);
  const sizes: number[] = [];
  for (let piece = await pieces.read(); piece; piece = await pieces.read()) {
    sizes.push(piece.length / kib);
    pieces.reuse(piece);
  }
  assert.deepEqual(sizes, [64, 128, 128, 128, 64]);
});
