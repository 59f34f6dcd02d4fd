/** The context of `httpfstream/resumable` behaves like the one of the npm package `resumable-stream`. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ResumableStreamContext as VercelContext } from "resumable-stream/generic";
import { createStreams, memoryStore, type Streams } from "../../src/index.ts";
import { createResumableStreamContext } from "../../src/resumable/mod.ts";
import { CONTEXTS } from "./contexts.ts";
import { Model } from "./model.ts";
import { reading, textOf } from "./reading.ts";

for (const [name, open] of Object.entries(CONTEXTS)) {
  describe(`resumable streams of ${name}`, () => {
    it("a stream is created, resumed in the middle, and done at the end", async () => {
      const { context, close } = await open();
      assert.equal(await context.hasExistingStream("a"), null);
      assert.equal(await context.resumeExistingStream("a"), undefined);
      const model = new Model();
      const first = reading(await context.createNewResumableStream("a", () => model.stream));
      model.say("one ");
      await first.has("one ");
      assert.equal(await context.hasExistingStream("a"), true);
      const second = reading(await context.resumeExistingStream("a"));
      const skipping = reading(await context.resumableStream("a", () => assert.fail("it is in progress"), 2));
      await second.has("one ");
      await skipping.has("e ");
      model.say("two");
      model.end();
      assert.equal(await first.all, "one two");
      assert.equal(await second.all, "one two");
      assert.equal(await skipping.all, "e two");
      assert.equal(await context.hasExistingStream("a"), "DONE");
      assert.equal(await context.resumeExistingStream("a"), null);
      assert.equal(await context.resumableStream("a", () => assert.fail("it is done")), null);
      await close();
    });

    it("resumableStream begins a stream once, in any order of callers", async () => {
      const { context, close } = await open();
      const model = new Model();
      let begun = 0;
      const make = (): ReadableStream<string> => {
        begun++;
        return model.stream;
      };
      const first = reading(await context.resumableStream("b", make));
      model.say("x");
      await first.has("x");
      const second = reading(await context.resumableStream("b", make));
      await second.has("x");
      model.end();
      assert.deepEqual([await first.all, await second.all, begun], ["x", "x", 1]);
      await close();
    });

    it("the producer goes on when its reader leaves", async () => {
      const { context, close } = await open();
      const model = new Model();
      const stream = await context.resumableStream("c", () => model.stream);
      const reader = stream?.getReader();
      model.say("begun ");
      assert.equal((await reader?.read())?.value, "begun ");
      await reader?.cancel();
      const second = reading((await context.resumeExistingStream("c")) ?? null);
      model.say("and done");
      model.end();
      assert.equal(await second.all, "begun and done");
      await close();
    });
  });
}

describe("resumable streams on plain files", () => {
  const using = (what: string, body: (streams: Streams, context: VercelContext) => Promise<void>): void => {
    it(what, async () => {
      const streams = createStreams({ store: memoryStore() });
      await body(streams, createResumableStreamContext({ streams }));
      await streams.shutdown();
    });
  };

  using("two requests at the same moment begin one stream", async (_streams, context) => {
    for (let round = 0; round < 20; round++) {
      let begun = 0;
      const make = (): ReadableStream<string> => {
        begun++;
        return textOf("a", "b", "c");
      };
      const both = await Promise.all([1, 2].map(() => context.resumableStream(`s${round}`, make)));
      const texts = await Promise.all(both.map((stream) => stream && reading(stream).all));
      assert.equal(begun, 1);
      for (const text of texts) assert.ok(text === "abc" || text === null, String(text));
    }
  });

  using("a producer that fails makes its readers fail, after what it gave", async (_streams, context) => {
    const model = new Model();
    const first = reading(await context.resumableStream("d", () => model.stream));
    model.say("half");
    await first.has("half");
    const ended = assert.rejects(first.all, { code: "lost" });
    model.fail(new Error("the model is gone"));
    await ended;
    assert.equal(await context.hasExistingStream("d"), true);
    const again = reading((await context.resumeExistingStream("d")) ?? null);
    await assert.rejects(again.all, { code: "lost" });
    assert.equal(again.text, "half");
    const anew = await context.resumableStream("d", () => textOf("whole"));
    assert.equal(await reading(anew).all, "whole");
  });

  using(
    "characters that are cut by chunks arrive whole, and are counted as in JavaScript",
    async (_streams, context) => {
      const text = "a😀b漢c";
      const stream = await context.resumableStream("e", () => textOf(...text.split("")));
      assert.equal(await reading(stream).all, text);
      const model = new Model();
      const first = reading(await context.resumableStream("f", () => model.stream));
      model.say(text);
      await first.has(text);
      const rest = reading((await context.resumeExistingStream("f", 3)) ?? null);
      await rest.has("b漢c");
      model.end();
      assert.equal(await rest.all, "b漢c");
    },
  );

  using("any identifier has a stream of its own", async (streams, context) => {
    const ids = [".", "..", "a/b", "a%2Fb", "../../etc", ".httpfstream", "x".repeat(300), "y".repeat(300), "ü", " "];
    for (const id of ids) {
      const stream = await context.createNewResumableStream(id, () => textOf(id));
      assert.equal(await reading(stream).all, id);
    }
    const names: string[] = [];
    for await (const { name } of streams.list("resumable")) names.push(name);
    assert.equal(names.length, ids.length);
    await assert.rejects(context.hasExistingStream(""), { code: "bad_request" });
    await assert.rejects(context.hasExistingStream("\ud800"), { code: "bad_request" });
  });
});
