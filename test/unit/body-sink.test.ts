/** A response body as a follower's sink. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Frame } from "../../src/engine/follow/frame.ts";
import { BodySink } from "../../src/server/http/body-sink.ts";
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
