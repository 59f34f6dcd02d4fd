/** Slices of a range that is scanned: when they are read, and when the scan ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ScanRange, scanPieces } from "../../src/engine/scan/scan-pieces.ts";
import { ScanTurns } from "../../src/engine/scan/scan-turns.ts";
import type { Store } from "../../src/index.ts";
import { memoryStore } from "../../src/index.ts";

/** A store whose reads yield given slices, and notes what is asked of it. */
class Slices {
  readonly asked: Parameters<Store["read"]>[] = [];
  readonly slices: string[];
  /** How many slices were read. */
  read = 0;
  isCancelled = false;
  /** The turns that were asked for. */
  turns = 0;
  /** Fails the read of the slice with this number. */
  failsAt = -1;
  /** Whether a cancellation fails, too. */
  cancelFails = false;

  constructor(...slices: string[]) {
    this.slices = slices;
  }

  range(signal: AbortSignal, more: Partial<ScanRange> = {}): ScanRange {
    const store: Store = { ...memoryStore(), read: (...args) => this.#read(args) };
    const turns = new ScanTurns();
    const next = turns.next.bind(turns);
    turns.next = () => {
      this.turns++;
      return next();
    };
    return { store, turns, path: "a", generation: "g", from: 3, to: 9, signal, ...more };
  }

  #read(args: Parameters<Store["read"]>): ReadableStream<Uint8Array> {
    this.asked.push(args);
    return new ReadableStream(
      {
        pull: (controller) => {
          if (this.read === this.failsAt) throw new Error("The disk is broken.");
          const slice = this.slices[this.read++];
          if (slice === undefined) controller.close();
          else controller.enqueue(new TextEncoder().encode(slice));
        },
        cancel: () => {
          this.isCancelled = true;
          if (this.cancelFails) throw new Error("The cancellation fails.");
        },
      },
      { highWaterMark: 0 },
    );
  }
}

async function textsOf(range: ScanRange, each: (text: string) => void = () => {}): Promise<string[]> {
  const texts: string[] = [];
  for await (const piece of scanPieces(range)) {
    const text = new TextDecoder().decode(piece);
    texts.push(text);
    each(text);
  }
  return texts;
}

describe("the slices of a scan", () => {
  it("are those of the range, each in a turn of its own", async () => {
    const slices = new Slices("one", "two");
    const { signal } = new AbortController();
    assert.deepEqual(await textsOf(slices.range(signal)), ["one", "two"]);
    assert.deepEqual(slices.asked, [["a", 3, 9, signal, "g"]]);
    assert.equal(slices.turns, 2);
  });

  it("are of any content where the store has no generations", async () => {
    const slices = new Slices("one");
    const { signal } = new AbortController();
    await textsOf(slices.range(signal, { generation: "" }));
    assert.deepEqual(slices.asked, [["a", 3, 9, signal, undefined]]);
  });

  it("are not read for an empty range, nor when the reader has already left", async () => {
    const slices = new Slices("one");
    const { signal } = new AbortController();
    for (const range of [{ from: 9 }, { from: 10 }]) assert.deepEqual(await textsOf(slices.range(signal, range)), []);
    assert.deepEqual(await textsOf(slices.range(AbortSignal.abort())), []);
    assert.deepEqual(slices.asked, []);
  });

  it("are read while the caller works on the one before", async () => {
    const slices = new Slices("one", "two", "three");
    const read: number[] = [];
    await textsOf(slices.range(new AbortController().signal), () => read.push(slices.read));
    assert.deepEqual(read, [2, 3, 4]);
  });

  it("end without an error when the reader leaves, and the stream is cancelled", async () => {
    for (const cancelFails of [false, true]) {
      const slices = new Slices("one", "two", "three");
      slices.cancelFails = cancelFails;
      const gone = new AbortController();
      assert.deepEqual(await textsOf(slices.range(gone.signal), () => gone.abort()), ["one"]);
      assert.ok(slices.isCancelled);
    }
  });

  it("are cancelled when the caller stops, even if the next read fails", async () => {
    const slices = new Slices("one", "two");
    slices.failsAt = 1;
    for await (const _ of scanPieces(slices.range(new AbortController().signal))) break;
    // A rejection that nothing handles would end the test process.
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(slices.read, 1);
  });

  it("fail as the store does", async () => {
    const slices = new Slices("one", "two");
    slices.failsAt = 1;
    await assert.rejects(textsOf(slices.range(new AbortController().signal)), /The disk is broken/);
  });

  it("use the memory of the slices before", async () => {
    const slices = new Slices(..."abcdefgh");
    const memories = new Set<ArrayBufferLike>();
    for await (const piece of scanPieces(slices.range(new AbortController().signal))) memories.add(piece.buffer);
    assert.ok(memories.size < 8, `${memories.size} memories for 8 slices`);
  });
});
