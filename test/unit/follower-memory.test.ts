/** What a follower keeps in memory while it waits; a server may have thousands of them. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { Follower, type Sink } from "../../src/engine/follow/follower.ts";
import { collect } from "../fixture/memory.ts";
import { Rig, settle } from "../fixture/rig.ts";

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
  const memory = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = memory();
  const all = Array.from({ length: 50 }, () => {
    const sink = nowhere();
    const follower = new Follower({ store: rig.store, from, sink, text: false, limits: rig.limits, offset: 0 });
    return { sink, follower, ended: follower.run() };
  });
  for (let turn = 0; turn < 100 && from.source.broadcast.size < all.length; turn++) await settle();
  assert.ok(all.every(({ sink }) => sink.bytes === 400_000));
  const more = memory() - before;
  assert.ok(more < 2_000_000, `${more} bytes for ${all.length} followers`);
  for (const { follower } of all) follower.stop();
  await Promise.all(all.map(({ ended }) => ended));
  await admission.end("complete");
});
