/** Following the append of another process: growth counts only while the file has the followed content. */
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Follower } from "../../src/engine/follow/follower.ts";
import { RemoteChannel } from "../../src/engine/follow/remote.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import type { AppendUpdate, Store } from "../../src/engine/storage/store.ts";
import { fileStore } from "../../src/stores/file/store.ts";
import { removeFolder, temporaryFolder } from "../fixture/temp.ts";
import { TestSink } from "../fixture/test-sink.ts";
import { until, within } from "../fixture/until.ts";

/** A file store whose watch yields what the test passes to `tell`. */
function watchedStore(root: string): {
  store: Store;
  tell: (growth: AppendUpdate) => Promise<void>;
  left: () => boolean;
} {
  const files = fileStore({ root });
  const news = new TransformStream<AppendUpdate, AppendUpdate>({}, { highWaterMark: 10 }, { highWaterMark: 10 });
  const writer = news.writable.getWriter();
  const store: Store = {
    sessions: files.sessions,
    stat: (path) => files.stat(path),
    claim: (path, options) => files.claim(path, options),
    read: (...args) => files.read(...args),
    list: (path, options) => files.list(path, options),
    remove: (path) => files.remove(path),
    watch: async () => watch(),
  };
  let isLeft = false;
  async function* watch(): AsyncGenerator<AppendUpdate, void, void> {
    try {
      yield* news.readable as unknown as AsyncIterable<AppendUpdate>;
    } finally {
      isLeft = true;
    }
  }
  return { store, tell: (growth) => writer.write(growth), left: () => isLeft };
}

async function append(store: Store, path: string, bytes: string): Promise<void> {
  const handle = await store.claim(path);
  await handle.append(Buffer.from(bytes));
  await handle.release("complete");
}

test("a live follower gets nothing of a file that has replaced its own", async () => {
  const root = await temporaryFolder("remote");
  const { store, tell, left } = watchedStore(root);
  try {
    await append(store, "a.txt", "old content");
    await tell({ size: 11 });
    const remote = await RemoteChannel.open("a.txt", store, () => {}, assert.fail);
    assert.ok(remote);
    remote.lease();
    const sink = new TestSink();
    const from = { source: remote };
    const ended = new Follower({ store, from, sink, text: false, limits: resolveLimits(), offset: 0 }).run();
    await until("it to be live", () => remote.broadcast.size === 1);
    await rm(join(root, "a.txt"));
    await append(store, "a.txt", "new content, and longer");
    await tell({ size: 23 });
    assert.equal(await within(ended, "the follow to end"), "replaced");
    assert.equal(String(sink.bytes), "old content");
    await until("the watch to be left", left);
  } finally {
    await removeFolder(root);
  }
});
