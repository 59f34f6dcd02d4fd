/** A follow that outlasts appends: where it begins, and what it is told and sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../fixture/rig.ts";
import { finish, StandingRig } from "../fixture/standing.ts";
import { TestSink } from "../fixture/test-sink.ts";

test("a path that does not exist: idle at 0, then it begins, and appends follow each other", async () => {
  const rig = new StandingRig();
  const follow = await rig.open("now");
  assert.deepEqual([follow.start, follow.offset, follow.isMissing], [0, 0, true]);
  assert.deepEqual(follow.content, { size: 0, generation: "" });
  const running = rig.run(follow);
  await settle();
  assert.deepEqual(running.told, ["idle 0 unknown"]);
  await rig.put("one");
  const generation = await rig.generation();
  const told = ["idle 0 unknown", `started 0 ${generation}`, "idle 3 complete"];
  assert.deepEqual(running.told, told);
  assert.equal(follow.isMissing, false);
  await rig.put(" two");
  assert.deepEqual(running.told, [...told, "idle 7 complete"]);
  assert.equal(String(running.sink.bytes), "one two");
  assert.equal(follow.offset, 7);
  await finish(running);
});

test("what is stored comes first; nothing is told twice", async () => {
  const rig = new StandingRig();
  await rig.put("0123456789");
  const follow = await rig.open({ tail: 4 });
  assert.deepEqual([follow.start, follow.offset, follow.isMissing], [6, 6, false]);
  const { size, generation, appending, ended } = follow.content;
  assert.deepEqual([size, appending, ended], [10, false, "complete"]);
  assert.equal(generation, await rig.generation());
  const running = rig.run(follow);
  await settle();
  for (let times = 0; times < 3; times++) await rig.notify();
  assert.equal(String(running.sink.bytes), "6789");
  assert.deepEqual(running.told, ["idle 10 complete"]);
  assert.deepEqual(follow.content, { size: 0, generation: "" }, "it is known only at the start");
  await finish(running);
});

test("how an append ends is told at once, also if the offset stays the same", async () => {
  const rig = new StandingRig();
  await rig.put("x");
  const running = await rig.begin();
  const lost = await rig.admit();
  await settle();
  await lost.end("lost");
  await settle();
  assert.deepEqual(running.told, ["idle 1 complete", "idle 1 lost"]);
  rig.seen = (found) => found && { ...found, ended: "failed" };
  await rig.notify();
  assert.equal(running.told.at(-1), "idle 1 failed");
  // A record that was lost is no news.
  rig.seen = (found) => found && { ...found, ended: "unknown" };
  await rig.notify();
  assert.equal(running.told.at(-1), "idle 1 failed");
  await finish(running);
});

test("during an append, its bytes and its type are known", async () => {
  const rig = new StandingRig();
  const admission = await rig.registry.admit("a", { type: "text/plain" });
  admission.connect({});
  await rig.push(admission, "abc");
  const { generation } = admission.batcher.channel;
  const follow = await rig.open({ offset: 1 });
  assert.deepEqual(follow.content, { size: 3, generation, appending: true, type: "text/plain" });
  const typeless = await rig.registry.admit("b");
  const other = await rig.standing.open("b", { start: "now", generation: undefined });
  const named = typeless.batcher.channel.generation;
  assert.deepEqual(other.content, { size: 0, generation: named, appending: true });
  other.leave();
  await typeless.end("complete");
  const running = rig.run(follow);
  await settle();
  assert.deepEqual([String(running.sink.bytes), follow.offset], ["bc", 3]);
  assert.deepEqual(running.told, []);
  await rig.push(admission, "d");
  await settle();
  assert.equal(follow.offset, 4, "the offset of a follow under way");
  await finish(running);
  await admission.end("complete");
});

test("a generation is required of the content, and of a path that does not exist", async () => {
  const rig = new StandingRig();
  await assert.rejects(rig.open({ offset: 0 }, "g"), { code: "not_found", path: "a" });
  await rig.put("abc");
  await assert.rejects(rig.open({ offset: 0 }, "g"), { code: "replaced" });
  await assert.rejects(rig.open({ offset: 4 }), { code: "range" });
  const follow = await rig.open({ offset: 3 }, await rig.generation());
  assert.equal(follow.start, 3);
  follow.leave();
});

test("leave gives the append up once, also before the follow began", async () => {
  const rig = new StandingRig();
  const admission = await rig.admit();
  const [one, other] = [await rig.open(), await rig.open()];
  one.leave();
  one.leave();
  const running = rig.run(other);
  await settle();
  await rig.push(admission, "abc");
  await settle();
  assert.equal(String(running.sink.bytes), "abc");
  await admission.end("complete");
  await settle();
  await rig.put("d");
  assert.equal(String(running.sink.bytes), "abcd", "it is still told of appends");
  await finish(running);
});

test("the end of an append is told, also if the store does not know of it", async () => {
  const rig = new StandingRig();
  rig.seen = (found) => found && { ...found, ended: "unknown" };
  const admission = await rig.admit();
  const running = await rig.begin();
  await rig.push(admission, "abc");
  await admission.end("lost");
  await settle();
  assert.deepEqual(running.told, ["idle 3 lost"]);
  await finish(running);
});

test("a connection that wants to hear nothing gets the bytes", async () => {
  const rig = new StandingRig();
  const follow = await rig.open();
  const sink = new TestSink();
  const ended = follow.run(sink, { text: false });
  await settle();
  await rig.put("abc");
  await rig.put("d");
  assert.equal(String(sink.bytes), "abcd");
  follow.stop();
  assert.equal(await ended, "gone");
  follow.leave();
});
