/** A second stream with the identifier of one that is in progress, and producers that fail. */
import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import type { ResumableStreamContext as VercelContext } from "resumable-stream/generic";
import { createStreams, memoryStore, type StreamEvent, type Streams } from "../../src/index.ts";
import { createResumableStreamContext } from "../../src/resumable/mod.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { until } from "../fixture/until.ts";
import { CONTEXTS } from "./contexts.ts";
import { Model } from "./model.ts";
import { reading, textOf } from "./reading.ts";

for (const [name, open] of Object.entries(CONTEXTS)) {
  describe(`resumable streams of ${name}`, () => {
    it("a new stream takes the place of one in progress, whose producer goes on", async () => {
      const { context, close } = await open();
      const [one, two] = [new Model(), new Model()];
      await context.createNewResumableStream("chat", () => one.stream);
      one.say("one");
      await context.createNewResumableStream("chat", () => two.stream);
      two.say("two");
      const resumed = reading(await context.resumeExistingStream("chat"));
      await resumed.has("two");
      one.say(" more");
      await one.isHeard();
      two.say(" more");
      await resumed.has("two more");
      two.end();
      assert.equal(await resumed.all, "two more");
      one.end();
      await close();
    });

    it("of two new streams at once, the later one counts, and none is refused", async () => {
      const { context, close } = await open();
      const models = [new Model(), new Model(), new Model()];
      await Promise.all(models.map(({ stream }) => context.createNewResumableStream("chat", () => stream)));
      for (const [index, model] of models.entries()) model.say(`model ${index}`);
      const resumed = reading(await context.resumeExistingStream("chat"));
      await resumed.has("model 2");
      for (const model of models) model.end();
      assert.equal(await resumed.all, "model 2");
      await close();
    });

    it("a stream that begins is given whole, whatever is to be skipped", async () => {
      const { context, close } = await open();
      assert.equal(await reading(await context.resumableStream("a", () => textOf("hello"), 2)).all, "hello");
      assert.equal(await reading(await context.createNewResumableStream("b", () => textOf("hello"), 2)).all, "hello");
      await close();
    });

    it("what makeStream throws reaches the caller", async () => {
      const { context, close } = await open();
      const fail = (): never => {
        throw new TypeError("no model");
      };
      await assert.rejects(context.resumableStream("a", fail), { name: "TypeError", message: "no model" });
      await assert.rejects(context.createNewResumableStream("b", fail), { name: "TypeError", message: "no model" });
      const locked = (): ReadableStream<string> => {
        const stream = textOf("x");
        stream.getReader();
        return stream;
      };
      await assert.rejects(context.createNewResumableStream("c", locked), TypeError);
      await assert.rejects(context.createNewResumableStream("d", (async () => textOf("x")) as never), TypeError);
      await close();
    });
  });
}

describe("resumable streams on plain files", () => {
  interface Opened {
    readonly streams: Streams;
    readonly context: VercelContext;
    readonly events: StreamEvent[];
  }
  const using = (what: string, body: (opened: Opened) => Promise<void>): void => {
    it(what, async () => {
      const events: StreamEvent[] = [];
      const streams = createStreams({ store: memoryStore(), onEvent: (event) => events.push(event) });
      await body({ streams, context: createResumableStreamContext({ streams }), events });
      await streams.shutdown();
    });
  };

  using("the readers of a stream that is superseded get what is stored, and fail", async ({ streams, context }) => {
    const one = new Model();
    const first = reading(await context.createNewResumableStream("chat", () => one.stream));
    one.say("half");
    await first.has("half");
    const unread = await context.resumeExistingStream("chat");
    // An app may create a context for each request.
    const other = createResumableStreamContext({ streams });
    const two = await other.createNewResumableStream("chat", () => textOf("two"));
    await assert.rejects(first.all, { code: "replaced" });
    await assert.rejects(reading(unread).all, { code: "replaced" });
    assert.equal(await reading(two).all, "two");
    one.end();
  });

  using("a text that nobody reads follows nothing", async ({ streams, context }) => {
    await context.createNewResumableStream("chat", () => textOf("answer"));
    await until("the answer", async () => (await context.hasExistingStream("chat")) === "DONE");
    assert.equal((await streams.stat("resumable/chat"))?.followers, 0);
    assert.ok(!(await streams.metrics()).includes('follows_total{transport="local"} 1'));
  });

  using("after a makeStream that throws, there is no stream, and the next call begins one", async ({ context }) => {
    const fail = (): never => {
      throw new Error("no model");
    };
    await assert.rejects(context.resumableStream("a", fail));
    assert.equal(await context.hasExistingStream("a"), null);
    assert.equal(await reading(await context.resumableStream("a", () => textOf("answer"))).all, "answer");
  });

  using("the failure of a producer reaches its readers, the listener and the console", async ({ context, events }) => {
    const written = mock.method(console, "error", () => {});
    const model = new Model();
    const gone = new Error("the model is gone");
    const first = reading(await context.resumableStream("a", () => model.stream));
    model.say("half");
    await first.has("half");
    model.fail(gone);
    await assert.rejects(first.all, { code: "lost", cause: gone });
    const ended = await until("the end of the append", () => {
      return events.find((event) => event.type === "ended" && event.action === "append");
    });
    assert.ok(ended.type === "ended" && ended.error);
    assert.deepEqual([ended.reason, ended.error.code, ended.error.cause], ["lost", "lost", gone]);
    await until("the report", () => written.mock.callCount() > 0);
    const lines = written.mock.calls.map(({ arguments: [line] }) => String(line));
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", /producer of the stream "\/resumable\/a" has failed.*the model is gone/);
    written.mock.restore();
  });

  using("waitUntil gets the end of the producer, also of one that is superseded", async ({ streams }) => {
    const waited: Promise<unknown>[] = [];
    const context = createResumableStreamContext({ streams, waitUntil: (promise) => waited.push(promise) });
    const one = new Model();
    await context.createNewResumableStream("a", () => one.stream);
    await context.createNewResumableStream("a", () => textOf("two"));
    assert.equal(waited.length, 2);
    await waited[1];
    let isOver = false;
    const over = waited[0]?.then(() => {
      isOver = true;
    });
    one.say("more");
    await one.isHeard();
    assert.equal(isOver, false);
    one.end();
    await over;
  });

  it("another process that produces the stream keeps it", async () => {
    const root = await temporaryFolder("resumable");
    const servers = [createStreams({ root }), createStreams({ root })] as const;
    const [mine, other] = servers.map((streams) => createResumableStreamContext({ streams }));
    assert.ok(mine && other);
    const model = new Model();
    const first = reading(await mine.createNewResumableStream("a", () => model.stream));
    model.say("one");
    await first.has("one");
    await assert.rejects(
      other.createNewResumableStream("a", () => textOf("two")),
      { code: "in_use" },
    );
    model.end();
    assert.equal(await first.all, "one");
    for (const streams of servers) await streams.shutdown();
    await removeFolder(root);
  });
});
