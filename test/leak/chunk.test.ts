/** A quiet path retains none of the memory of its earlier batches; a server may have thousands of quiet paths. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Batcher } from "../../src/engine/append/batcher.ts";
import { Channel } from "../../src/engine/append/channel.ts";
import { RecentPool } from "../../src/engine/follow/recent-chunks.ts";
import { DEFAULT_LIMITS } from "../../src/engine/limits.ts";
import type { AppendHandle } from "../../src/engine/storage/store.ts";
import { collect } from "../fixture/memory.ts";
import { until } from "../fixture/until.ts";

/** Stores nothing, since stored bytes would stay in memory. */
class Counting implements AppendHandle {
  readonly generation = "0";
  readonly epoch = 1;
  readonly revoked: AbortSignal = new AbortController().signal;
  offset = 0;

  async append(batch: Uint8Array): Promise<number> {
    this.offset += batch.length;
    return this.offset;
  }

  async release(): Promise<void> {}
}

for (const [title, end] of [
  ["whole text", "."],
  ["text that ends inside a character", "\xf0\x9f"],
] as const) {
  test(`a quiet path keeps no batch: ${title}`, async () => {
    const channel = new Channel("quiet.log", new Counting(), new RecentPool(0));
    const appender = new Batcher(channel, DEFAULT_LIMITS);
    const memory: WeakRef<ArrayBufferLike>[] = [];
    const append = async (text: string): Promise<void> => {
      const piece = Buffer.from(text, "latin1");
      memory.push(new WeakRef(piece.buffer));
      appender.push(piece);
      await appender.idle;
    };
    const line = "x".repeat(100_000);
    for (const text of [line, line, line + end]) {
      await append(text);
      await until("everything to be given out", () => channel.broadcast.tail === channel.size || undefined);
    }
    await until("the memory of all batches to be free", () => {
      collect();
      return memory.every((each) => each.deref() === undefined) || undefined;
    });
    assert.equal(channel.size, 300_000 + end.length);
    await appender.end("complete");
  });
}
