/** Followers get every byte once, wherever they begin and however slow they are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rejectsWith } from "../contract/store/driver.ts";
import { numberedLines, randomBytes, sha256 } from "../fixture/bytes.ts";
import { Rig, settle } from "../fixture/rig.ts";
import { TestSink } from "../fixture/test-sink.ts";
import { within } from "../fixture/until.ts";

test("a follower gets what is stored before, during and after its joining, once each", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  await rig.push(admission, "stored ");
  rig.store.holding = true;
  void rig.push(admission, "being written ");
  const held = await rig.store.next();
  const { sink, ended } = rig.follow(admission);
  await settle();
  assert.equal(String(sink.bytes), "stored ", "nothing that is not stored");
  await held.store();
  rig.store.holding = false;
  await rig.push(admission, "live");
  await admission.end("complete");
  assert.equal(await ended, "complete");
  assert.equal(String(sink.bytes), "stored being written live");
});

test("followers begin at any offset", async () => {
  const rig = new Rig();
  const bytes = numberedLines(1000);
  const admission = await rig.admit();
  await rig.push(admission, bytes.subarray(0, 600));
  const running = [0, 1, 599, 600].map((offset) => rig.follow(admission, new TestSink(), offset));
  await rig.push(admission, bytes.subarray(600));
  await admission.end("complete");
  for (const { sink, start, ended } of running) {
    assert.equal(await ended, "complete");
    assert.equal(sink.bytes.toString(), bytes.subarray(start).toString(), `from ${start}`);
  }
});

test("a follower that begins within a partly stored write gets nothing from before its offset", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  await rig.push(admission, "0123");
  rig.store.holding = true;
  void rig.push(admission, "456789");
  const held = await rig.store.next();
  await held.storePart(3);
  const size = admission.batcher.channel.size;
  assert.equal(size, 7);
  const running = [0, 4, 5, size].map((offset) => rig.follow(admission, new TestSink(), offset));
  const text = rig.follow(admission, new TestSink("text"), 6);
  await settle();
  await held.store();
  rig.store.holding = false;
  await rig.push(admission, "ab");
  await admission.end("complete");
  for (const { sink, start, ended } of [...running, text]) {
    await ended;
    assert.equal(String(sink.bytes), "0123456789ab".slice(start), `from ${start}`);
  }
});

test("all live followers get the same frame, built once for bytes and once for text", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  const sinks = (["binary", "binary", "text", "text"] as const).map((kind) => new TestSink(kind));
  for (const sink of sinks) rig.follow(admission, sink);
  await settle();
  await rig.push(admission, "for all");
  const [first, second, third, fourth] = sinks.map((sink) => sink.frames[0]);
  assert.ok(first && third);
  assert.equal(first, second);
  assert.equal(third, fourth);
  assert.equal(first.text, false);
  assert.equal(third.text, true);
  await admission.end("complete");
});

test("a stalled follower catches up from the store later, and does not delay the others", async () => {
  const limits = { followerBudgetBytes: 1000, batchBytes: 400 };
  const rig = new Rig(limits);
  const admission = await rig.admit();
  const stalled = rig.follow(admission, new TestSink("binary", true));
  const free = rig.follow(admission);
  await settle();
  const bytes = randomBytes(50_000, 1);
  for (let at = 0; at < bytes.length; at += 100) await rig.push(admission, bytes.subarray(at, at + 100));
  assert.equal(sha256(free.sink.bytes), sha256(bytes), "the other one is up to date");
  assert.ok(stalled.sink.length < 2000, `${stalled.sink.length} bytes were handed to the stalled one`);

  stalled.sink.flow();
  await settle();
  assert.equal(sha256(stalled.sink.bytes), sha256(bytes), "it has caught up");
  const readsBefore = rig.store.reads;
  await rig.push(admission, "live again");
  assert.equal(String(stalled.sink.bytes.subarray(-10)), "live again");
  assert.equal(rig.store.reads, readsBefore, "from the live set, not from the store");
  await admission.end("complete");
  assert.equal(await stalled.ended, "complete");
});

test("what is pending for a follower stays within its budget, however slowly it drains", async () => {
  const rig = new Rig({ followerBudgetBytes: 1000, batchBytes: 300, readBytes: 300 });
  const admission = await rig.admit();
  const { sink, ended } = rig.follow(admission, new TestSink("binary", true));
  const bytes = randomBytes(20_000, 2);
  for (let at = 0; at < bytes.length; at += 130) {
    await rig.push(admission, bytes.subarray(at, at + 130));
    sink.pass(90);
    await settle();
  }
  await admission.end("complete");
  while (sink.pending > 0 || sink.length < bytes.length) {
    sink.pass(500);
    await settle();
  }
  await ended;
  assert.equal(sha256(sink.bytes), sha256(bytes));
  assert.ok(sink.mostPending <= 1000, `${sink.mostPending} bytes were pending at most`);
});

test("a follower that is stopped ends in every state", async () => {
  const places: Record<string, (rig: Rig, sink: TestSink) => void> = {
    live: (_rig, sink) => sink.flow(),
    "waiting for its connection to drain": () => {},
    "waiting for the store": (rig, sink) => {
      rig.store.beforeRead = new Promise(() => {});
      sink.flow();
    },
  };
  for (const [where, arrange] of Object.entries(places)) {
    const rig = new Rig({ followerBudgetBytes: 100 });
    const admission = await rig.admit();
    await rig.push(admission, numberedLines(600_000));
    const sink = new TestSink("binary", true);
    arrange(rig, sink);
    const { follower, ended } = rig.follow(admission, sink);
    await settle();
    follower.stop();
    assert.equal(await within(ended, where, 2_000), "gone", where);
    await settle();
    const sent = sink.length;
    await rig.push(admission, "after");
    assert.equal(sink.length, sent, `${where}: nothing is sent after the stop`);
    assert.equal(admission.batcher.channel.broadcast.size, 0, where);
    await admission.end("complete");
  }
});

test("a follower that was stopped before it ran sends nothing", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  await rig.push(admission, "stored");
  const { follower, sink, ended } = rig.follow(admission);
  follower.stop();
  assert.equal(await ended, "gone");
  assert.equal(sink.length, 0);
  await admission.end("complete");
});

test("a follower that catches up while the append ends gets every byte before the end", async () => {
  const rig = new Rig({ followerBudgetBytes: 1000 });
  const bytes = randomBytes(600_000, 3);
  const admission = await rig.admit();
  await rig.push(admission, bytes.subarray(0, 300_000));
  const { sink, ended } = rig.follow(admission, new TestSink("binary", true));
  await settle();
  await rig.push(admission, bytes.subarray(300_000));
  await admission.end("lost");
  await settle();
  assert.ok(sink.length < bytes.length);
  sink.flow();
  assert.equal(await ended, "lost");
  assert.equal(sha256(sink.bytes), sha256(bytes));
});

test("a follower gets every byte and the end, at whatever moment the append ends while it joins", async () => {
  for (let turns = 0; turns < 60; turns++) {
    // A full batch does not wait for the end of the turn, so its write runs during these microtasks.
    const rig = new Rig({ batchBytes: 4 });
    const admission = await rig.admit();
    await rig.push(admission, "stored ");
    const running = [0, 3, 7].map((offset) => rig.follow(admission, new TestSink(), offset));
    admission.batcher.push(Buffer.from("last"));
    for (let turn = 0; turn < turns; turn++) await undefined;
    const end = admission.end("complete");
    const late = [0, 7].map((offset) => rig.follow(admission, new TestSink("text"), offset));
    assert.deepEqual(await end, { size: 11, reason: "complete" });
    const after = [0, 11].map((offset) => rig.follow(admission, new TestSink(), offset));
    for (const { sink, start, ended } of [...running, ...late, ...after]) {
      assert.equal(await within(ended, "the end", 5_000), "complete");
      assert.equal(String(sink.bytes), "stored last".slice(start), `${turns} turns, from ${start}`);
    }
  }
});

test("a follower that joins at any moment of a write gets every byte once", async () => {
  for (let turns = 0; turns < 60; turns++) {
    const rig = new Rig({ batchBytes: 4 });
    const admission = await rig.admit();
    await rig.push(admission, "one ");
    admission.batcher.push(Buffer.from("two "));
    for (let turn = 0; turn < turns; turn++) await undefined;
    const running = [0, 2, 4].map((offset) => rig.follow(admission, new TestSink(), offset));
    await rig.push(admission, "three");
    await admission.end("complete");
    for (const { sink, start, ended } of running) {
      await ended;
      assert.equal(String(sink.bytes), "one two three".slice(start), `${turns} turns, from ${start}`);
    }
  }
});

test("a store that can no longer be read fails the follow, not the append", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  await rig.push(admission, "stored ");
  rig.store.beforeRead = Promise.reject(new Error("broken"));
  rig.store.beforeRead.catch(() => {});
  const live = rig.follow(admission, new TestSink(), 7);
  await assert.rejects(rig.follow(admission).ended, /broken/);
  await rig.push(admission, "more");
  await admission.end("complete");
  assert.equal(await live.ended, "complete");
  assert.equal(String(live.sink.bytes), "more");
});

test("a full store ends its followers exactly after the last stored byte", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  const live = rig.follow(admission);
  const stalled = rig.follow(admission, new TestSink("text", true));
  await rig.push(admission, "stored ");
  rig.store.holding = true;
  void rig.push(admission, "half|never stored");
  const held = await rig.store.next();
  await held.storePart(5);
  const late = rig.follow(admission, new TestSink(), 9);
  held.fail("no_space");
  await admission.end("complete");
  stalled.sink.flow();
  for (const { sink, start, ended } of [live, stalled, late]) {
    assert.equal(await ended, "failed");
    assert.equal(String(sink.bytes), "stored half|".slice(start));
  }
  await rejectsWith(Promise.reject(admission.batcher.error), "no_space");
});
