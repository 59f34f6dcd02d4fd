/** What a follower keeps in memory while it waits; a server may have thousands of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Follower, type Sink } from "../../src/engine/follow/follower.ts";
import { retains } from "../fixture/memory.ts";
import { Rig } from "../fixture/rig.ts";
import { until } from "../fixture/until.ts";

/** A sink that sends what it gets at once. */
function nowhere(): Sink & { bytes: number } {
  return {
    pending: 0,
    bytes: 0,
    send({ bytes, onFlushed }) {
      this.bytes += bytes.length;
      onFlushed?.();
    },
    drained: () => Promise.resolve(),
  };
}

test("a follower at the tail keeps nothing of what it has read from the store", async () => {
  const rig = new Rig();
  const admission = await rig.admit();
  await rig.push(admission, Buffer.alloc(400_000));
  const from = { source: admission.batcher.channel };
  const all: { sink: ReturnType<typeof nowhere>; follower: Follower; ended: Promise<unknown> }[] = [];
  await retains(2_000_000, async () => {
    for (let count = 0; count < 50; count++) {
      const sink = nowhere();
      const follower = new Follower({ store: rig.store, from, sink, text: false, limits: rig.limits, offset: 0 });
      all.push({ sink, follower, ended: follower.run() });
    }
    await until("all to be at the tail", () => from.source.broadcast.size === all.length);
  });
  assert.ok(all.every(({ sink }) => sink.bytes === 400_000));
  for (const { follower } of all) follower.stop();
  await Promise.all(all.map(({ ended }) => ended));
  await admission.end("complete");
});
