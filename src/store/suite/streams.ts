/**
 * Streams: what a batch changes is stored together with its bytes.
 * @module
 */
import type { StreamState } from "../../engine/storage/stream-state.ts";
import { assert } from "./assert.ts";
import { bytesOf, textOf } from "./bytes.ts";
import { type Cases, holding, needing, put, stored } from "./cases.ts";

const OPEN: StreamState = { created: true, type: "text/plain", producers: {} };

/** The cases. */
export const STREAMS: Cases = {
  "a path is a plain file until a batch changes that": needing("streams", async ({ store }) => {
    await put(store, "a.txt", "x");
    assert.equal((await store.stat("a.txt"))?.stream, undefined);
    assert.equal(await store.streams?.find("a.txt"), undefined);
    await holding(store, "b.txt", async (handle) => {
      assert.equal(handle.stream, undefined);
      assert.equal(await handle.append(new Uint8Array(0), OPEN), 0);
      assert.deepEqual(handle.stream, OPEN);
      assert.deepEqual((await store.stat("b.txt"))?.stream, OPEN);
    });
    assert.deepEqual(await store.streams?.find("b.txt"), OPEN);
    assert.deepEqual(await store.streams?.list(), ["b.txt"]);
  }),

  "each batch changes what it names, and another store sees it": needing("streams", async ({ store, again }) => {
    await holding(store, "a.txt", async (handle) => {
      await handle.append(bytesOf("one "), OPEN);
      await handle.append(bytesOf("two "), { seq: "a", producers: { p: { epoch: 0, seq: 0 } } });
      await handle.append(bytesOf("three"), { producers: { q: { epoch: 1, seq: 0 }, p: { epoch: 0, seq: 1 } } });
    });
    const want = { ...OPEN, seq: "a", producers: { p: { epoch: 0, seq: 1 }, q: { epoch: 1, seq: 0 } } };
    assert.equal(textOf(await stored(store, "a.txt")), "one two three");
    assert.deepEqual((await store.stat("a.txt"))?.stream, want);
    assert.deepEqual(await again().streams?.find("a.txt"), want);
    await holding(again(), "a.txt", async (handle) => {
      assert.deepEqual(handle.stream, want);
      await handle.append(new Uint8Array(0), { closed: {} });
    });
    assert.deepEqual((await store.stat("a.txt"))?.stream, { ...want, closed: {} });
  }),

  "a batch without a change leaves the stream as it is": needing("streams", async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      await handle.append(bytesOf("x"), OPEN);
      await handle.append(bytesOf("y"));
      assert.deepEqual(handle.stream, OPEN);
    });
    assert.deepEqual((await store.stat("a.txt"))?.stream, OPEN);
  }),

  "an incomplete stream does not exist for readers, and the next claim begins anew": needing(
    "streams",
    async ({ store }) => {
      await holding(store, "a.txt", async (handle) => {
        await handle.append(bytesOf("part"), { ...OPEN, incomplete: true });
        assert.equal(await store.stat("a.txt"), undefined);
      });
      assert.equal(await store.stat("a.txt"), undefined);
      await holding(store, "a.txt", async (handle) => {
        assert.equal(handle.offset, 0);
        assert.equal(handle.stream, undefined);
        await handle.append(bytesOf("whole"), { ...OPEN, incomplete: false });
      });
      assert.equal(textOf(await stored(store, "a.txt")), "whole");
    },
  ),

  "an incomplete stream can be removed": needing("streams", async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      await handle.append(bytesOf("part"), { ...OPEN, incomplete: true });
    });
    assert.equal(await store.remove("a.txt"), true);
    assert.deepEqual([await store.streams?.find("a.txt"), await store.streams?.list()], [undefined, []]);
    assert.equal(await store.remove("a.txt"), false);
  }),

  "a removed stream is forgotten, and a tombstone is found until it is": needing("streams", async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      await handle.append(bytesOf("x"), OPEN);
    });
    assert.equal(await store.remove("a.txt"), true);
    assert.equal(await store.streams?.find("a.txt"), undefined);
    const tombstone = { created: true, producers: {}, deleted: true };
    await store.streams?.writeTombstone("a.txt", tombstone);
    assert.deepEqual(await store.streams?.find("a.txt"), tombstone);
    assert.equal(await store.stat("a.txt"), undefined);
    await store.streams?.forget("a.txt");
    assert.equal(await store.streams?.find("a.txt"), undefined);
    await put(store, "a.txt", "plain");
    assert.equal((await store.stat("a.txt"))?.stream, undefined);
  }),

  "forks are noted by the paths of their sources": needing("streams", async ({ store, again }) => {
    const { streams } = store;
    await streams?.addFork("source", "b");
    await streams?.addFork("source", "a");
    await streams?.addFork("source", "a");
    assert.deepEqual((await again().streams?.forksOf("source"))?.sort(), ["a", "b"]);
    await streams?.removeFork("source", "a");
    await streams?.removeFork("source", "none");
    assert.deepEqual(await streams?.forksOf("source"), ["b"]);
    assert.deepEqual(await streams?.forksOf("none"), []);
  }),
};
