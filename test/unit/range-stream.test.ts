/** A range of bytes as a stream: what it reads, and when it lets go of its source. */
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { openedStream, type RangeSource, rangeStream } from "../../src/engine/storage/range-stream.ts";
import { randomBytes } from "../fixture/bytes.ts";
import { settle } from "../fixture/rig.ts";

const BYTES = randomBytes(1000, 1);

/** A source whose reads wait until the test lets them go. */
class HeldSource implements RangeSource {
  readonly from: number;
  readonly to: number;
  readonly pieceBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly stop = new AbortController();
  /** Offset and length of each read that was begun. */
  readonly reads: [at: number, length: number][] = [];
  closed = 0;
  #waiting: ((error?: Error) => void)[] = [];

  constructor(from: number, to: number, pieceBytes: number) {
    this.from = from;
    this.to = to;
    this.pieceBytes = pieceBytes;
    this.signal = this.stop.signal;
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    this.reads.push([at, into.length]);
    assert.equal(this.#waiting.length, 0, "one read at a time");
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push((error) => (error ? reject(error) : resolve()));
    });
    into.set(BYTES.subarray(at, at + into.length));
    return into.length;
  }

  close(): void {
    assert.equal(this.#waiting.length, 0, "no read is pending");
    this.closed++;
  }

  /** Completes or fails the pending read. */
  async go(error?: Error): Promise<void> {
    this.#waiting.shift()?.(error);
    await settle();
  }
}

/** A source whose bytes are there at once. */
function ready(from: number, to: number, pieceBytes: number): RangeSource {
  const read = (into: Uint8Array, at: number): number => {
    into.set(BYTES.subarray(at, at + into.length));
    return into.length;
  };
  return { from, to, pieceBytes, read };
}

test("pieces are as large as the source says, and take no more memory than the range", async () => {
  const pieces: Uint8Array[] = [];
  for await (const piece of rangeStream(ready(10, 110, 30))) pieces.push(piece);
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [30, 30, 30, 10],
  );
  assert.deepEqual(Buffer.concat(pieces), BYTES.subarray(10, 110));
  const { value } = await rangeStream(ready(500, 505, 256))
    .getReader()
    .read();
  assert.deepEqual([value?.length, value?.buffer.byteLength], [5, 5]);
});

test("a source need not be closed", async () => {
  const stream = rangeStream(ready(0, 5, 5));
  await stream.cancel();
  const reader = rangeStream(ready(0, 5, 5)).getReader();
  await reader.read();
  assert.equal((await reader.read()).done, true);
});

test("a reader's own memory is filled, but not past the end of the range", async () => {
  const reader = rangeStream(ready(0, 50, 10)).getReader({ mode: "byob" });
  const first = await reader.read(new Uint8Array(40));
  const second = await reader.read(new Uint8Array(40));
  assert.deepEqual([first.value?.length, second.value?.length], [40, 10]);
  assert.deepEqual(Buffer.concat([first.value ?? [], second.value ?? []] as Uint8Array[]), BYTES.subarray(0, 50));
  assert.equal((await reader.read(new Uint8Array(40))).done, true);
});

test("the source is closed once, when the last byte has been read", async () => {
  const source = new HeldSource(0, 20, 10);
  const reader = rangeStream(source).getReader();
  for (const at of [0, 10]) {
    const read = reader.read();
    await settle();
    assert.equal(source.closed, 0);
    await source.go();
    assert.deepEqual((await read).value, new Uint8Array(BYTES.subarray(at, at + 10)));
  }
  assert.equal((await reader.read()).done, true);
  source.stop.abort();
  await settle();
  assert.deepEqual(
    [source.closed, source.reads],
    [
      1,
      [
        [0, 10],
        [10, 10],
      ],
    ],
  );
});

test("nothing is read before the first request, and a range without bytes reads nothing at all", async () => {
  const unread = new HeldSource(0, 20, 10);
  const stream = rangeStream(unread);
  await settle();
  await stream.cancel();
  assert.deepEqual([unread.reads, unread.closed], [[], 1]);
  const empty = new HeldSource(7, 7, 10);
  for await (const _ of rangeStream(empty)) assert.fail("there is no byte");
  assert.deepEqual([empty.reads, empty.closed], [[], 1]);
});

test("requests that come together are served one after the other", async () => {
  const source = new HeldSource(0, 30, 10);
  const reader = rangeStream(source).getReader();
  const reads = [reader.read(), reader.read(), reader.read(), reader.read()];
  for (let count = 1; count <= 3; count++) {
    await settle();
    assert.equal(source.reads.length, count);
    await source.go();
  }
  const results = await Promise.all(reads);
  assert.deepEqual(Buffer.concat(results.map(({ value }) => value ?? new Uint8Array(0))), BYTES.subarray(0, 30));
  assert.deepEqual([results[3]?.done, source.closed], [true, 1]);
});

test("a signal that aborts between two pieces closes the source at once", async () => {
  const source = new HeldSource(0, 30, 10);
  const reader = rangeStream(source).getReader();
  const first = reader.read();
  await settle();
  await source.go();
  await first;
  source.stop.abort();
  await settle();
  assert.equal(source.closed, 1);
  assert.equal((await reader.read()).done, true);
  assert.equal(source.reads.length, 1);
});

test("a signal that aborts while a piece is read lets that piece arrive, and no other", async () => {
  const source = new HeldSource(0, 30, 10);
  const reader = rangeStream(source).getReader();
  const [first, second] = [reader.read(), reader.read()];
  await settle();
  source.stop.abort();
  await settle();
  assert.equal(source.closed, 0);
  await source.go();
  assert.deepEqual((await first).value, new Uint8Array(BYTES.subarray(0, 10)));
  assert.equal((await second).done, true);
  assert.deepEqual([source.reads.length, source.closed], [1, 1]);
});

test("a signal that has aborted before the first request lets nothing be read", async () => {
  const source = new HeldSource(0, 30, 10);
  source.stop.abort();
  assert.equal((await rangeStream(source).getReader().read()).done, true);
  assert.deepEqual([source.reads, source.closed], [[], 1]);
});

for (const failure of [undefined, new Error("too late")]) {
  test(`a stream that is cancelled while a read ${failure ? "fails" : "succeeds"} closes once, after it`, async () => {
    const source = new HeldSource(0, 30, 10);
    const reader = rangeStream(source).getReader();
    const read = reader.read();
    await settle();
    await reader.cancel();
    assert.deepEqual([(await read).done, source.closed], [true, 0]);
    await source.go(failure);
    source.stop.abort();
    await settle();
    assert.deepEqual([source.reads.length, source.closed], [1, 1]);
  });
}

test("a read that fails fails the stream, and closes the source", async () => {
  const source = new HeldSource(0, 30, 10);
  const reader = rangeStream(source).getReader();
  const read = reader.read();
  await settle();
  const failed = assert.rejects(read, /broken/);
  await source.go(new Error("broken"));
  await failed;
  await assert.rejects(reader.read(), /broken/);
  source.stop.abort();
  await settle();
  assert.equal(source.closed, 1);
});

describe("a stream that is opened", () => {
  it("has read its first piece, and serves it before the rest, also in parts", async () => {
    const source = new HeldSource(0, 50, 30);
    const opening = openedStream(rangeStream(source));
    await settle();
    assert.deepEqual(source.reads, [[0, 30]]);
    await source.go();
    const reader = (await opening).getReader({ mode: "byob" });
    const parts: number[] = [];
    const bytes: Uint8Array[] = [];
    for (const length of [20, 20, 20]) {
      const read = reader.read(new Uint8Array(length));
      await settle();
      await source.go();
      const { value } = await read;
      parts.push(value?.length ?? 0);
      bytes.push(value ?? new Uint8Array(0));
    }
    assert.deepEqual(parts, [20, 10, 20]);
    assert.deepEqual(Buffer.concat(bytes), BYTES.subarray(0, 50));
    assert.deepEqual(source.reads, [
      [0, 30],
      [30, 20],
    ]);
    await settle();
    assert.equal(source.closed, 1);
  });

  it("lets its source go at once if that was all", async () => {
    const source = new HeldSource(10, 40, 30);
    const opening = openedStream(rangeStream(source));
    await settle();
    await source.go();
    const stream = await opening;
    assert.equal(source.closed, 1);
    assert.deepEqual(Buffer.from(await new Response(stream).arrayBuffer()), BYTES.subarray(10, 40));
    assert.deepEqual([source.closed, source.reads.length], [1, 1]);
  });

  it("fails with the error of the first read, and lets its source go", async () => {
    const source = new HeldSource(0, 30, 30);
    const opening = assert.rejects(openedStream(rangeStream(source)), /broken/);
    await settle();
    await source.go(new Error("broken"));
    await opening;
    source.stop.abort();
    await settle();
    assert.equal(source.closed, 1);
  });

  it("lets its source go if it is aborted meanwhile, and has no bytes then", async () => {
    const source = new HeldSource(0, 60, 30);
    const opening = openedStream(rangeStream(source));
    await settle();
    source.stop.abort();
    await source.go();
    assert.equal(source.closed, 1);
    assert.equal((await new Response(await opening).arrayBuffer()).byteLength, 0);
    assert.equal(source.closed, 1);
  });

  it("reads nothing of an empty range, or after the abort", async () => {
    const empty = new HeldSource(5, 5, 30);
    assert.equal(await new Response(await openedStream(rangeStream(empty))).text(), "");
    const aborted = new HeldSource(0, 5, 30);
    aborted.stop.abort();
    assert.equal(await new Response(await openedStream(rangeStream(aborted))).text(), "");
    assert.deepEqual([empty.reads, aborted.reads], [[], []]);
  });

  it("may be any other stream", async () => {
    assert.equal(await new Response(await openedStream(new Blob(["hello"]).stream())).text(), "hello");
    const broken = new ReadableStream({ start: (controller) => controller.error(new Error("broken")) });
    await assert.rejects(openedStream(broken), /broken/);
  });
});
