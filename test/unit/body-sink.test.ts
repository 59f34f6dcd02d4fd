/** A response body as a follower's sink. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Frame } from "../../src/engine/follow/frame.ts";
import { BodySink } from "../../src/server/http/body-sink.ts";
import type { BodyWriter } from "../../src/server/platform/live-body.ts";
import { TestSink } from "../fixture/test-sink.ts";
import { within } from "../fixture/until.ts";

const frame = (bytes: number): Frame => new Frame(new Uint8Array(bytes), false);

test("frames come out in order, then the end", async () => {
  const sink = new BodySink(() => {});
  const reader = sink.stream.getReader();
  for (const word of ["one ", "two "]) sink.send(new Frame(Buffer.from(word), false));
  sink.end();
  const read: string[] = [];
  for (let next = await reader.read(); !next.done; next = await reader.read()) read.push(String(next.value));
  assert.deepEqual(read, ["one ", "two "]);
});

test("unread bytes are pending", async () => {
  const sink = new BodySink(() => {});
  const reader = sink.stream.getReader();
  assert.equal(sink.pending, 0);
  sink.send(frame(100_000));
  sink.send(frame(50));
  assert.equal(sink.pending, 100_050);
  await reader.read();
  assert.equal(sink.pending, 50);
  await reader.read();
  assert.equal(sink.pending, 0);
});

test("drained resolves when enough has been read, whatever the amounts", async () => {
  for (const sizes of [[10], [300_000], [100, 100, 100], [60_000, 10_000, 1], [1, 1, 200_000, 1], [65_536], [65_537]]) {
    for (const bytes of [0, 1, 50, 65_536, 100_000]) {
      const sink = new BodySink(() => {});
      const reader = sink.stream.getReader();
      for (const size of sizes) sink.send(frame(size));
      const drained = sink.drained(bytes);
      while (sink.pending > 0) await reader.read();
      await within(drained, `drained(${bytes}) of ${sizes}`, 2_000);
    }
  }
});

test("drained waits while too much is pending", async () => {
  const sink = new BodySink(() => {});
  const reader = sink.stream.getReader();
  for (let count = 0; count < 4; count++) sink.send(frame(100_000));
  let drained = false;
  const waiting = sink.drained(100_000).then(() => {
    drained = true;
  });
  await reader.read();
  await reader.read();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(drained, false, "200,000 bytes are pending");
  await reader.read();
  await reader.read();
  await waiting;
});

test("the follower learns that its reader has left, and drained resolves", async () => {
  let left = 0;
  const sink = new BodySink(() => left++);
  const reader = sink.stream.getReader();
  sink.send(frame(100_000));
  const drained = sink.drained(0);
  await reader.cancel();
  await within(drained, "drained", 2_000);
  assert.equal(left, 1);
  assert.equal(sink.pending, 0);
  sink.send(frame(10));
  sink.end();
  assert.equal(sink.pending, 0);
});

test("nothing is accepted after the end", async () => {
  const sink = new BodySink(() => {});
  sink.end();
  sink.end();
  sink.send(frame(10));
  assert.equal((await sink.stream.getReader().read()).done, true);
});

/** A writer that counts its ends. */
class TestWriter extends TestSink implements BodyWriter {
  ends = 0;

  end(): void {
    this.ends++;
  }
}

test("a diverted body writes what its stream holds, then each frame as it is", async () => {
  const sink = new BodySink(() => {});
  sink.send(new Frame(Buffer.from("held "), false));
  const writer = new TestWriter();
  const diverted = sink.divert(writer);
  sink.send(new Frame(Buffer.from("meanwhile "), false));
  await diverted;
  const next = new Frame(Buffer.from("next"), false);
  sink.send(next);
  assert.equal(String(writer.bytes), "held meanwhile next");
  assert.equal(writer.frames.at(-1), next, "followers share the frame");
  sink.end();
  sink.send(frame(1));
  assert.equal(writer.ends, 1);
  assert.equal(writer.length, 19);
});

test("a body that has ended before it is diverted is written completely", async () => {
  const sink = new BodySink(() => {});
  sink.send(frame(70_000));
  sink.send(frame(5));
  sink.end();
  const writer = new TestWriter();
  await sink.divert(writer);
  assert.deepEqual([writer.length, writer.ends], [70_005, 1]);
});

test("the writer of a diverted body decides what is pending, and when it has drained", async () => {
  const sink = new BodySink(() => {});
  const writer = new TestWriter("binary", true);
  await sink.divert(writer);
  sink.send(frame(100));
  assert.equal(sink.pending, 100);
  const drained = sink.drained(50);
  assert.ok(writer.awaited);
  writer.pass(60);
  await drained;
  assert.equal(sink.pending, 40);
});

test("a diverted body is cut after everything that was sent", async () => {
  const sink = new BodySink(() => {});
  const writer = new TestWriter("binary", true);
  await sink.divert(writer);
  sink.send(frame(10));
  let cuts = 0;
  const failed = sink.fail(new Error("lost"), {
    drop: undefined,
    cut: async () => {
      cuts++;
    },
    errorFor: (error) => error,
  });
  assert.equal(cuts, 0);
  writer.flow();
  await failed;
  assert.deepEqual([cuts, writer.ends], [1, 0]);
});

test("the follower of a diverted body learns that its reader has left", async () => {
  let left = 0;
  const sink = new BodySink(() => left++);
  const writer = new TestWriter("binary", true);
  await sink.divert(writer);
  sink.send(frame(10));
  sink.leave();
  assert.equal(left, 1);
  assert.equal(sink.pending, 0);
});
