/**
 * Contents: the generation and type of a path, and how its last append ended.
 * @module
 */

import { END_REASONS } from "../../protocol/end-reason.ts";
import { assert } from "./assert.ts";
import { bytesOf, textOf } from "./bytes.ts";
import { type Cases, generationOf, holding, nextTurn, put, readAll, rejectsWith } from "./cases.ts";

/** The cases. */
export const CONTENTS: Cases = {
  "appends keep the generation, and the handle has it": async ({ store, again }) => {
    const handle = await store.claim("a.txt");
    const { generation } = handle;
    assert.equal(await generationOf(store, "a.txt"), generation, "before the first byte");
    for (const piece of ["one ", "two ", "three"]) {
      await handle.append(bytesOf(piece));
      assert.equal(await generationOf(again(), "a.txt"), generation);
    }
    await handle.release("complete");
    assert.equal(await generationOf(store, "a.txt"), generation);
    await put(store, "a.txt", "more");
    assert.equal(await generationOf(again(), "a.txt"), generation);
  },

  "a removed path that is created again has another generation, even with the same bytes": async ({ store }) => {
    await put(store, "a.txt", "same");
    const before = await generationOf(store, "a.txt");
    await store.remove("a.txt");
    assert.equal(await store.stat("a.txt"), undefined);
    await put(store, "a.txt", "same");
    assert.notEqual(await generationOf(store, "a.txt"), before);
  },

  "a generation stays the same while the content grows": async ({ store, again }) => {
    const handle = await store.claim("a.txt");
    const other = again();
    let isOver = false;
    const look = async (): Promise<void> => {
      while (!isOver) {
        assert.equal(await generationOf(other, "a.txt"), handle.generation);
        await nextTurn();
      }
    };
    const looks = Promise.all([look(), look(), look(), look()]);
    for (let at = 0; at < 5_000; at++) {
      await handle.append(bytesOf("grows "));
      if (at % 5 === 0) await nextTurn();
    }
    isOver = true;
    await looks;
    await handle.release("complete");
  },

  "a range of one content is never read from another one": async ({ store, again }) => {
    await put(store, "a.txt", "the old content");
    const old = await generationOf(store, "a.txt");
    assert.equal(textOf(await readAll(store.read("a.txt", 4, 7, undefined, old))), "old");
    const late = store.read("a.txt", 4, 7, undefined, old);
    await store.remove("a.txt");
    await put(store, "a.txt", "the new content");
    await rejectsWith(readAll(again().read("a.txt", 4, 7, undefined, old)), "replaced", "changed");
    // An ordinary stream may have read its first bytes before it was asked for them.
    const early = readAll(late).then(textOf);
    if ((await early.catch(() => "")) !== "old") await rejectsWith(early, "replaced", "changed");
    assert.equal(textOf(await readAll(again().read("a.txt", 4, 7))), "new");
  },

  "different paths have different generations": async ({ store }) => {
    for (const path of ["a.txt", "b.txt", "dir/a.txt"]) await put(store, path, "same");
    const all = await Promise.all(["a.txt", "b.txt", "dir/a.txt"].map((path) => generationOf(store, path)));
    assert.equal(new Set(all).size, 3);
  },

  "every end reason of an append is on record once it has ended": async ({ store, again }) => {
    for (const reason of END_REASONS) {
      const handle = await store.claim("a.txt");
      await handle.append(bytesOf("x"));
      const during = await again().stat("a.txt");
      assert.deepEqual([during?.appending, during?.ended], [true, undefined]);
      await handle.release(reason);
      const after = await again().stat("a.txt");
      assert.deepEqual([after?.appending, after?.ended], [false, reason]);
    }
  },

  "an append that was to continue on another server, and did not, was lost": async ({ store, again }) => {
    const handle = await store.claim("a.txt");
    await handle.append(bytesOf("x"));
    await handle.release("restarting");
    assert.equal((await again().stat("a.txt"))?.ended, "lost");
  },

  "a claim without an append leaves the record as it was": async ({ store }) => {
    await holding(store, "new.txt", async () => {});
    assert.equal((await store.stat("new.txt"))?.ended, "unknown");
    const handle = await store.claim("a.txt");
    await handle.append(bytesOf("x"));
    await handle.release("complete");
    await holding(store, "a.txt", async () => {});
    assert.equal((await store.stat("a.txt"))?.ended, "complete");
  },

  "the session of a path counts as a running append": async ({ store }) => {
    await put(store, "a.txt", "x");
    await store.sessions.save({ path: "a.txt", digest: "0".repeat(64) });
    assert.deepEqual([(await store.stat("a.txt"))?.appending, (await store.stat("a.txt"))?.ended], [true, undefined]);
    await store.sessions.remove("a.txt");
    assert.equal((await store.stat("a.txt"))?.appending, false);
  },

  "the first type that an appender gives stays": async ({ store, again }) => {
    await put(store, "a", "untyped");
    assert.equal((await store.stat("a"))?.type, undefined);
    for (const type of ["text/x-first; charset=utf-8", "text/x-second", undefined]) {
      const handle = await store.claim("a", { type });
      assert.equal(handle.type, "text/x-first; charset=utf-8");
      await handle.append(bytesOf("x"));
      await handle.release("complete");
      assert.equal((await again().stat("a"))?.type, "text/x-first; charset=utf-8");
    }
  },
};
