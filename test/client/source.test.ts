import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { type AppendSource, type Chunk, Encoder, streamOf } from "../../src/protocol/append-source.ts";
import { StreamError } from "../../src/protocol/errors.ts";

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
});

describe("a character split over two strings", () => {
  it("comes out whole", async () => {
    assert.equal(await collect(["a\ud83d", "\ude00b"]), "a😀b");
    assert.equal(await collect(["\ud83d", "", "\ude00"]), "😀");
  });

  it("is replaced if its other half is missing", async () => {
    assert.equal(await collect(["a\ud83d"]), "a\ufffd");
    assert.equal(await collect(["\ud83d", "b"]), "\ufffdb");
    assert.equal(await collect(["\ud83d", Buffer.from("b")]), "\ufffdb");
  });
});
