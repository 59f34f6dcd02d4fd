/** How a follow ends that outlasts appends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StreamError } from "../../src/protocol/errors.ts";
import { settle } from "../fixture/rig.ts";
import { finish, StandingRig } from "../fixture/standing.ts";
import { TestSink } from "../fixture/test-sink.ts";

test("it ends when an empty content is removed that was there at the start", async () => {
  const rig = new StandingRig();
  await rig.put("");
  const running = await rig.begin();
  await rig.store.remove("a");
  await rig.notify();
  assert.equal(running.end, "deleted");
  running.follow.leave();
});

test("it ends when its content is removed, or replaced", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  const removed = await rig.begin();
  await rig.store.remove("a");
  assert.equal(removed.end, undefined, "nothing has told it");
  await rig.notify();
  assert.equal(removed.end, "deleted");
  await rig.put("abc");
  const replaced = await rig.begin();
  await rig.store.remove("a");
  await rig.store.append("a", "abcdef");
  await rig.notify();
  assert.equal(replaced.end, "replaced");
  assert.equal(String(replaced.sink.bytes), "abc");
  removed.follow.leave();
  replaced.follow.leave();
});

test("the removal of a path that had no byte yet does not end it: the path may begin again", async () => {
  const rig = new StandingRig();
  const running = await rig.begin();
  await rig.put("");
  const first = await rig.generation();
  await rig.store.remove("a");
  await rig.notify();
  assert.equal(running.follow.isMissing, true);
  await rig.put("");
  const second = await rig.generation();
  await rig.notify();
  await rig.put("x");
  assert.deepEqual(
    running.told.filter((line) => line.startsWith("started")),
    [`started 0 ${first}`, `started 0 ${second}`],
  );
  assert.equal(running.end, undefined);
  await rig.store.remove("a");
  await rig.notify();
  assert.equal(running.end, "deleted", "it had a byte");
  running.follow.leave();
});

test("if the store has no generations, only the size tells of other content", async () => {
  const rig = new StandingRig();
  rig.seen = (found) => found && { ...found, generation: "" };
  await rig.put("abc");
  const running = await rig.begin();
  await rig.store.append("a", "d");
  await rig.notify();
  assert.deepEqual([String(running.sink.bytes), running.end], ["abcd", undefined]);
  rig.seen = (found) => found && { ...found, generation: "", size: 3 };
  await rig.notify();
  assert.equal(running.end, "replaced");
  running.follow.leave();
});

test("a generation that is known only later binds the follow from then on", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  rig.seen = (found) => found && { ...found, generation: "" };
  const running = await rig.begin();
  rig.seen = undefined;
  await rig.notify();
  assert.deepEqual([running.told, running.end], [["idle 3 complete"], undefined]);
  rig.seen = (found) => found && { ...found, generation: "" };
  await rig.notify();
  assert.deepEqual([running.told, running.end], [["idle 3 complete"], undefined]);
  rig.seen = (found) => found && { ...found, generation: "other", size: 9 };
  await rig.notify();
  assert.equal(running.end, "replaced");
  running.follow.leave();
});

test("on shutdown it ends with the append, and no other begins", async () => {
  const rig = new StandingRig();
  const admission = await rig.admit();
  await rig.push(admission, "abc");
  const running = await rig.begin();
  rig.registry.onClose(async () => void (await admission.end("restarting")));
  await rig.registry.close();
  await finish(running, "restarting");
  rig.seen = (found) => found && { ...found, appending: true };
  await assert.rejects(rig.open(), { code: "restarting" });
});

test("an append that another process was to continue, and did not, ends no follow", async () => {
  const rig = new StandingRig();
  const admission = await rig.admit();
  await rig.push(admission, "abc");
  const running = await rig.begin();
  await admission.end("restarting");
  await settle();
  assert.equal(running.end, undefined);
  await rig.put("d");
  assert.equal(String(running.sink.bytes), "abcd");
  await finish(running);
});

test("stop ends it in any state", async () => {
  const rig = new StandingRig();
  await rig.put("abc");
  const early = await rig.open();
  early.stop();
  await finish(rig.run(early));

  const waiting = await rig.begin();
  const looks = rig.store.stats;
  await finish(waiting);
  assert.equal(rig.store.stats, looks, "it looks no more");

  const stalled = await rig.begin({ offset: 0 }, new TestSink("binary", true));
  await rig.put("d");
  await finish(stalled);

  const looking = await rig.begin();
  let find = (): void => {};
  rig.seen = (found) => new Promise((resolve) => (find = () => resolve(found && { ...found, ended: "lost" })));
  rig.registry.notices.notify("a");
  await settle();
  looking.follow.stop();
  find();
  assert.equal(await looking.ended, "gone");
  assert.ok(!looking.told.includes("idle 4 lost"), "it is told nothing more");
  looking.follow.leave();
});

test("during an append, stop ends it, and the append goes on", async () => {
  const rig = new StandingRig();
  const admission = await rig.admit();
  await rig.push(admission, "abc");
  const running = await rig.begin();
  await finish(running);
  await rig.push(admission, "d");
  assert.equal(String(running.sink.bytes), "abc");
  assert.deepEqual(running.told, []);
  await admission.end("complete");
});

test("a look that fails ends it with the error", async () => {
  const rig = new StandingRig();
  const running = await rig.begin();
  rig.seen = () => Promise.reject(new StreamError("storage", "no look"));
  await rig.notify();
  assert.equal((running.end as StreamError).code, "storage");
  running.follow.leave();
  await assert.rejects(rig.open(), { code: "storage" });
});

for (const reason of ["deleted", "replaced"] as const) {
  test(`an append whose file is ${reason} ends the follow, unless it began before the path and has no byte`, async () => {
    const rig = new StandingRig();
    const early = await rig.begin();
    const admission = await rig.admit();
    const late = await rig.begin();
    const { generation } = admission.batcher.channel;
    rig.seen = () => undefined;
    await admission.end(reason);
    await settle();
    assert.deepEqual([late.end, late.told], [reason, []]);
    assert.equal(early.end, undefined);
    assert.deepEqual(early.told, ["idle 0 unknown", `started 0 ${generation}`]);
    late.follow.leave();
    await finish(early);
  });
}
