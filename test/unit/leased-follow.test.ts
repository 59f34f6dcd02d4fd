/** The follow of one append: what it shows, and how it ends. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Admission } from "../../src/engine/append/registry.ts";
import { Broadcast } from "../../src/engine/follow/broadcast.ts";
import type { Followable } from "../../src/engine/follow/followable.ts";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";
import { LeasedFollow } from "../../src/engine/sessions/leased-follow.ts";
import { Rig, settle } from "../fixture/rig.ts";
import { TestSink } from "../fixture/test-sink.ts";
import { within } from "../fixture/until.ts";

/** A follow of an append, and how often it was left. */
function followOf(rig: Rig, { batcher: { channel } }: Admission, start = 0) {
  const at = { left: 0 };
  const lease = { source: channel, leave: () => void at.left++ };
  return { follow: new LeasedFollow(lease, start, rig), at };
}

describe("a leased follow", () => {
  it("shows the content that it begins with", () => {
    const rig = new Rig();
    const broadcast = new Broadcast(7, new RecentPool(0));
    const source: Followable = { path: "a", generation: "g", size: 7, broadcast, outcome: undefined };
    const content = { size: 7, generation: "g", appending: true };
    for (const [type, shown] of [
      [undefined, content],
      ["text/x-log", { ...content, type: "text/x-log" }],
    ] as const) {
      const follow = new LeasedFollow({ source: { ...source, type }, leave: () => {} }, 3, rig);
      assert.deepEqual(follow.content, shown);
      assert.deepEqual([follow.start, follow.offset], [3, 3]);
    }
  });

  for (const kind of ["text", "binary"] as const) {
    it(`sends what is stored from its start on, as ${kind}, until the append ends`, async () => {
      const rig = new Rig();
      const admission = await rig.admit();
      await rig.push(admission, "12345");
      const { follow } = followOf(rig, admission, 2);
      const sink = new TestSink(kind);
      const ended = follow.run(sink, { text: kind === "text" });
      await settle();
      assert.deepEqual([follow.start, follow.offset, String(sink.bytes)], [2, 5, "345"]);
      await rig.push(admission, "67");
      await admission.end("complete");
      assert.equal(await within(ended, "the end of the follow"), "complete");
      assert.deepEqual([follow.offset, String(sink.bytes)], [7, "34567"]);
      assert.ok(sink.frames.length > 0 && sink.frames.every(({ text }) => text === (kind === "text")));
    });
  }

  it("ends when it is stopped, even before it has begun", async () => {
    const rig = new Rig();
    const admission = await rig.admit();
    const [early, late] = [followOf(rig, admission).follow, followOf(rig, admission).follow];
    early.stop();
    const sink = new TestSink();
    assert.equal(await within(early.run(sink, { text: false }), "its end"), "gone");
    const ended = late.run(sink, { text: false });
    await settle();
    late.stop();
    assert.equal(await within(ended, "the end of the follow"), "gone");
    await rig.push(admission, "12345");
    assert.equal(sink.length, 0);
    await admission.end("complete");
  });

  it("gives up its lease when it is left", async () => {
    const rig = new Rig();
    const admission = await rig.admit();
    const { follow, at } = followOf(rig, admission);
    const ended = follow.run(new TestSink(), { text: false });
    await admission.end("complete");
    await within(ended, "the end of the follow");
    assert.equal(at.left, 0);
    follow.leave();
    assert.equal(at.left, 1);
  });
});
