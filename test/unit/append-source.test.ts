/** The sources of an append: how they become a stream, and their chunks bytes. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { type AppendSource, type Chunk, Encoder, streamOf } from "../../src/protocol/append-source.ts";
import { StreamError } from "../../src/protocol/errors.ts";
import { settle } from "../fixture/rig.ts";

async function collect(source: AppendSource): Promise<string> {
  const encoder = new Encoder();
  const parts: Uint8Array[] = [];
  for await (const chunk of streamOf(source)) parts.push(...encoder.encode(chunk));
  parts.push(...encoder.flush());
  return Buffer.concat(parts).toString();
}

async function* generated(): AsyncGenerator<Chunk> {
  yield "one";
  yield Buffer.from("two");
}

describe("what can be appended", () => {
  const sources: Record<string, () => AppendSource> = {
    "a string": () => "onetwo",
    "a Uint8Array": () => Buffer.from("onetwo"),
    "a Blob": () => new Blob(["one", "two"]),
    "an array": () => ["one", Buffer.from("two")],
    "an async generator": generated,
    "a ReadableStream": () => new Blob(["onetwo"]).stream(),
    "a ReadableStream of text": () => new Blob(["onetwo"]).stream().pipeThrough(new TextDecoderStream()),
    "a Node Readable": () => Readable.from([Buffer.from("one"), Buffer.from("two")]),
  };
  for (const [name, source] of Object.entries(sources)) {
    it(name, async () => assert.equal(await collect(source()), "onetwo"));
  }

  it("neither a number nor null, nor a number as a chunk", async () => {
    const wrong = (error: unknown): boolean => error instanceof StreamError && error.code === "bad_request";
    for (const source of [7, null, undefined, {}]) assert.throws(() => streamOf(source as never), wrong);
    await assert.rejects(collect([7] as never), wrong);
  });

  it("a stream as it is, and an iterable that has only a part of a stream's methods as an iterable", async () => {
    const stream = new Blob(["one"]).stream();
    assert.equal(streamOf(stream), stream);
    const list = Object.assign(["one"], { getReader: () => assert.fail("it is no stream") });
    assert.deepEqual(await streamOf(list).getReader().read(), { done: false, value: "one" });
  });

  it("one chunk per read, and none before the first", async () => {
    let taken = 0;
    function* source(): Generator<Chunk> {
      for (const chunk of ["one", "two"]) {
        taken++;
        yield chunk;
      }
    }
    const reader = streamOf(source()).getReader();
    await settle();
    assert.equal(taken, 0);
    assert.equal((await reader.read()).value, "one");
    await settle();
    assert.equal(taken, 1);
  });
});

describe("a chunk that can't be appended", () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    [null, "null"],
    [7, "number"],
    [{}, "Object"],
    [new ArrayBuffer(1), "ArrayBuffer"],
    [Object.create(null), "an object"],
  ];
  for (const [chunk, kind] of wrong) {
    it(`is refused as ${kind}`, () => {
      const message = `A chunk must be a string or a Uint8Array, not ${kind}.`;
      assert.throws(() => new Encoder().encode(chunk as never), { code: "bad_request", message });
    });
  }
});

describe("a cancelled source", () => {
  it("is closed, even while a read is pending", async () => {
    const readable = new Readable({ read() {} });
    const closed = new Promise((resolve) => readable.once("close", resolve));
    const reader = streamOf(readable).getReader();
    const pending = reader.read();
    await reader.cancel();
    await closed;
    assert.deepEqual(await pending, { done: true, value: undefined });
  });

  it("runs its cleanup", async () => {
    let cleaned = false;
    async function* source(): AsyncGenerator<Chunk> {
      try {
        yield "one";
        yield "two";
      } finally {
        cleaned = true;
      }
    }
    const reader = streamOf(source()).getReader();
    await reader.read();
    await reader.cancel();
    assert.ok(cleaned);
  });

  it("need not have any", async () => {
    const iterator = { next: () => ({ done: false, value: "one" }) as const };
    const source = { [Symbol.iterator]: () => iterator, destroy: "no method" };
    const reader = streamOf(source).getReader();
    await reader.read();
    await reader.cancel();
    assert.equal((await reader.read()).done, true);
  });
});

describe("a character split over two strings", () => {
  it("comes out whole", async () => {
    assert.equal(await collect(["a\ud83d", "\ude00b"]), "a😀b");
    assert.equal(await collect(["\ud83d", "", "\ude00"]), "😀");
    assert.equal(await collect(["a\ud800", "\udc00b", "\udbff", "\udfff"]), "a\u{10000}b\u{10ffff}");
  });

  it("is all that waits for the next string", () => {
    const encoder = new Encoder();
    const encoded = (text: string): string => Buffer.concat(encoder.encode(text)).toString();
    for (const text of ["", "ab", "a\ud7ff", "a\u{10000}", "a\u{10ffff}", "a\ue000", "a\uffff"]) {
      assert.equal(encoded(text), text);
      assert.deepEqual(encoder.flush(), []);
    }
    assert.deepEqual([encoded("ab\ud800"), encoded("\udc00")], ["ab", "\u{10000}"]);
  });

  it("is replaced if its other half is missing", async () => {
    assert.equal(await collect(["a\ud83d"]), "a\ufffd");
    assert.equal(await collect(["\ud83d", "b"]), "\ufffdb");
    assert.equal(await collect(["\ud83d", Buffer.from("b")]), "\ufffdb");
  });
});
