/** How a follower moves: from the store to the live set and back, to the next process, and to its end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broadcast } from "../../src/engine/follow/broadcast.ts";
import type { Followable, Outcome } from "../../src/engine/follow/followable.ts";
import { type FollowEnd, Follower } from "../../src/engine/follow/follower.ts";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";
import { type Limits, resolveLimits } from "../../src/engine/limits.ts";
import type { EndReason } from "../../src/protocol/end-reason.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { memoryStore } from "../../src/stores/memory.ts";
import { put } from "../contract/store/driver.ts";
import { settle } from "../fixture/rig.ts";
import { TestSink } from "../fixture/test-sink.ts";

/** An append whose chunks and end the test gives out; what it has is also in its store. */
class TestAppend implements Followable {
  readonly path = "a";
  readonly broadcast: Broadcast;
  outcome: Outcome | undefined;
  readonly generation: string;

  constructor(size: number, generation = "", pool: RecentPool = new RecentPool(10_000)) {
    this.broadcast = new Broadcast(size, pool);
    this.generation = generation;
  }

  get size(): number {
    return this.broadcast.tail;
  }

  give(...texts: (string | Uint8Array)[]): void {
    for (const bytes of texts.map((text) => Buffer.from(text))) {
      this.broadcast.deliver({ bytes, end: this.size + bytes.length });
    }
  }

  end(reason: EndReason): void {
    this.outcome = { size: this.size, reason };
    this.broadcast.dissolve();
  }
}

interface Follow {
  readonly sink?: TestSink;
  readonly offset?: number;
  readonly limits?: Partial<Limits>;
  readonly next?: () => Promise<Followable | undefined>;
}

/** Follows an append; its stored bytes are those of "a" in the store. */
function follow(
  source: Followable,
  { sink = new TestSink(), offset = 0, limits = {}, next }: Follow,
  store = memoryStore(),
) {
  const from = next ? { source, next } : { source };
  const follower = new Follower({ store, from, sink, text: sink.text, limits: resolveLimits(limits), offset });
  const outcomes: (FollowEnd | string)[] = [];
  const ended = follower.run().then(
    (end) => void outcomes.push(end),
    ({ code, message, path }: StreamError) =>
      void outcomes.push(`error ${code ?? message}${path ? ` of ${path}` : ""}`),
  );
  return { sink, follower, outcomes, ended };
}

test("a follower joins the live set when at most half of its budget is pending", async () => {
  const append = new TestAppend(600);
  const sink = new TestSink("binary", true);
  const store = memoryStore();
  await put(store, "a", Buffer.alloc(600, "s"));
  follow(append, { sink, limits: { followerBudgetBytes: 1000 } }, store);
  await settle();
  assert.deepEqual([sink.pending, append.broadcast.size], [600, 0]);
  sink.pass(99);
  await settle();
  assert.equal(append.broadcast.size, 0);
  sink.pass(1);
  await settle();
  assert.deepEqual([sink.pending, append.broadcast.size], [500, 1]);
});

test("a live follower takes what fits exactly into its budget, and a chunk of any size if nothing is pending", async () => {
  const append = new TestAppend(0);
  const sink = new TestSink("binary", true);
  follow(append, { sink, limits: { followerBudgetBytes: 1000 } });
  await settle();
  append.give("x".repeat(400), "y".repeat(600));
  assert.deepEqual([sink.pending, append.broadcast.size], [1000, 1]);
  append.give("z");
  assert.deepEqual([sink.pending, append.broadcast.size], [1000, 0]);
  sink.pass(1000);
  await settle();
  assert.deepEqual([sink.pending, append.broadcast.size], [1, 1], "it has got the recent chunk");
  sink.pass(1);
  append.give("w".repeat(5000));
  assert.deepEqual([sink.pending, append.broadcast.size], [5000, 1]);
});

test("a follower that lags sends the recent chunks that others got, and does not read the store", async () => {
  const append = new TestAppend(0);
  const late = follow(append, { sink: new TestSink("binary", true), limits: { followerBudgetBytes: 10 } });
  const live = follow(append, {});
  await settle();
  append.give("first chunk", "second", "third");
  late.sink.flow();
  await settle();
  assert.equal(String(late.sink.bytes), "first chunksecondthird");
  assert.equal(late.sink.frames[1], live.sink.frames[1], "the same frame");
  assert.equal(append.broadcast.size, 2);
});

test("an empty chunk at the tail keeps no follower from joining", async () => {
  const append = new TestAppend(0);
  follow(append, { sink: new TestSink("binary", true), limits: { followerBudgetBytes: 10 } });
  await settle();
  append.give("first chunk", "second", "");
  assert.equal(append.broadcast.size, 0, "one lags, so recent chunks are kept");
  const { sink } = follow(append, { offset: append.size });
  await settle();
  append.give("third");
  assert.equal(String(sink.bytes), "third");
});

test("a follower may be ahead of the live set by several chunks", async () => {
  for (const kind of ["binary", "text"] as const) {
    const append = new TestAppend(4);
    const store = memoryStore();
    await put(store, "a", "0123abcdefghij");
    const { sink, outcomes } = follow(append, { sink: new TestSink(kind), offset: 10 }, store);
    await settle();
    append.give("ab", "cdef", "ghij");
    append.end("complete");
    await settle();
    assert.deepEqual([String(sink.bytes), sink.frames.length, outcomes], ["ghij", 1, ["complete"]]);
  }
});

test("pending bytes stay within the budget while a follower catches up, even with large pieces", async () => {
  const append = new TestAppend(8000);
  const store = memoryStore();
  await put(store, "a", Buffer.alloc(8000, "s"));
  const sink = new TestSink("binary", true);
  follow(append, { sink, limits: { followerBudgetBytes: 1000, readBytes: 800 } }, store);
  await settle();
  while (sink.length < 8000) {
    assert.ok(sink.pending > 0 && sink.awaited);
    sink.pass(50);
    await settle();
  }
  assert.equal(sink.mostPending, 1000);
  assert.ok(sink.frames.every(({ bytes }) => bytes.length <= 800));
});

test("a follower of an append that moves continues where it is, if the content is the same and complete", async () => {
  for (const [size, otherGeneration, moves] of [
    [5, "", true],
    [9, "", true],
    [4, "", false],
    [5, "other", false],
    [undefined, "", false],
  ] as const) {
    const store = memoryStore();
    await put(store, "a", "12345");
    const generation = (await store.stat("a"))?.generation ?? "";
    const first = new TestAppend(5, generation);
    const second = size === undefined ? undefined : new TestAppend(size, otherGeneration || generation);
    const { outcomes, follower } = follow(first, { offset: 5, next: async () => second }, store);
    await settle();
    first.end("restarting");
    await settle();
    assert.deepEqual(outcomes, moves && size === 5 ? [] : [moves ? "error changed of a" : "restarting"]);
    assert.equal(second?.broadcast.size, second && (moves && size === 5 ? 1 : 0));
    follower.stop();
  }
});

test("only an append that continues elsewhere is looked for", async () => {
  const append = new TestAppend(0);
  let looks = 0;
  const next = async (): Promise<undefined> => void looks++;
  const asked = follow(append, { next });
  const unasked = follow(append, {});
  await settle();
  append.end("complete");
  await Promise.all([asked.ended, unasked.ended]);
  assert.deepEqual([asked.outcomes, unasked.outcomes, looks], [["complete"], ["complete"], 0]);
  const restarted = new TestAppend(0);
  restarted.end("restarting");
  const last = follow(restarted, {});
  await last.ended;
  assert.deepEqual(last.outcomes, ["restarting"], "nothing is known that continues it");
});

test("other content in place of the followed one ends a follower that catches up", async () => {
  const store = memoryStore();
  await put(store, "a", "old content");
  const generation = (await store.stat("a"))?.generation ?? "";
  await store.remove("a");
  await put(store, "a", "new content");
  const { outcomes, ended, sink } = follow(new TestAppend(11, generation), {}, store);
  await ended;
  assert.deepEqual([outcomes, sink.length], [["replaced"], 0]);
  const any = follow(new TestAppend(11, ""), {}, store);
  await settle();
  assert.equal(String(any.sink.bytes), "new content", "a content without a name is the one that is there");
});

test("stored bytes that are missing fail the follow; a store that fails, too", async () => {
  const store = memoryStore();
  store.read = () => new Blob([]).stream();
  const missing = follow(new TestAppend(5), {}, store);
  await missing.ended;
  assert.deepEqual(missing.outcomes, ["error changed of a"]);
  for (const [error, outcome] of [
    [new StreamError("denied", "It can't be read."), "error denied"],
    [Object.assign(new Error("It is not ours."), { code: "replaced" }), "error replaced"],
  ] as const) {
    store.read = () => new ReadableStream({ pull: (controller) => controller.error(error) });
    const failed = follow(new TestAppend(5), {}, store);
    await failed.ended;
    assert.deepEqual(failed.outcomes, [outcome]);
  }
});

test("a store that gives out less than it was asked for is asked again", async () => {
  const store = memoryStore();
  await put(store, "a", "0123456789");
  const { read } = store;
  const asked: string[] = [];
  store.read = (path, from, to, ...rest) => {
    asked.push(`${from}-${to}`);
    return read.call(store, path, from, Math.min(to, from + 4), ...rest);
  };
  const { sink } = follow(new TestAppend(10), {}, store);
  await settle();
  assert.deepEqual([String(sink.bytes), asked], ["0123456789", ["0-10", "4-10", "8-10"]]);
});

test("nothing is sent after a stop, in whatever state the follower is", async () => {
  for (const where of ["draining", "reading", "live"]) {
    const append = new TestAppend(where === "live" ? 0 : 600_000);
    const store = memoryStore();
    await put(store, "a", Buffer.alloc(600_000, "s"));
    const sink = new TestSink("binary", where === "draining");
    if (where === "reading") store.read = () => new ReadableStream({});
    const { follower, outcomes, ended } = follow(append, { sink, limits: { followerBudgetBytes: 100_000 } }, store);
    await settle();
    const sent = sink.length;
    assert.equal(sent > 0, where === "draining");
    follower.stop();
    append.give("after");
    sink.flow();
    await ended;
    await settle();
    assert.deepEqual([sink.length, outcomes, append.broadcast.size], [sent, ["gone"], 0], where);
    follower.stop();
  }
});

test("a long catch-up reuses the memory of pieces that were sent", async () => {
  const store = memoryStore();
  const chunk = new Uint8Array(64 * 1024);
  // Not a byte stream, which would move its memory from one buffer to the next.
  store.read = () => new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
  const memory = new Set<ArrayBufferLike>();
  let frames = 0;
  const sink = new TestSink();
  const { send } = sink;
  sink.send = (frame) => {
    memory.add(frame.bytes.buffer);
    send.call(sink, frame);
    if (++frames === 50) follower.stop();
  };
  const { follower, ended } = follow(new TestAppend(10_000_000), { sink }, store);
  await ended;
  assert.ok(memory.size < 10, `${memory.size} buffers for ${frames} frames`);
});
