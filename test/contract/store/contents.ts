/** Contents: the generation and type of a path, and how its last append ended. */
import assert from "node:assert/strict";
import type { Store } from "../../../src/engine/storage/store.ts";
import { END_REASONS } from "../../../src/protocol/end-reason.ts";
import type { StreamError } from "../../../src/protocol/errors.ts";
import { type Driver, holding, put, readAll, section } from "./driver.ts";

/** Returns the generation of the content at a path, which must exist. */
export async function generationOf(store: Store, path: string): Promise<string> {
  const found = await store.stat(path);
  assert.ok(found, `"${path}" should exist`);
  assert.match(found.generation, /^[\w-]{8,64}$/, "it can stand in a URL as it is");
  return found.generation;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function contentSection(driver: Driver): void {
  section(driver, "contents", {
    "appends keep the generation, and the handle has it": async ({ store, again }) => {
      const handle = await store.claim("a.txt");
      const { generation } = handle;
      assert.equal(await generationOf(store, "a.txt"), generation, "before the first byte");
      for (const piece of ["one ", "two ", "three"]) {
        await handle.append(Buffer.from(piece));
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
        await handle.append(Buffer.from("grows "));
        if (at % 5 === 0) await nextTurn();
      }
      isOver = true;
      await looks;
      await handle.release("complete");
    },

    "a range of one content is never read from another one": async ({ store, again }) => {
      await put(store, "a.txt", "the old content");
      const old = await generationOf(store, "a.txt");
      assert.equal(String(await readAll(store.read("a.txt", 4, 7, undefined, old))), "old");
      const late = store.read("a.txt", 4, 7, undefined, old);
      await store.remove("a.txt");
      await put(store, "a.txt", "the new content");
      for (const stream of [late, again().read("a.txt", 4, 7, undefined, old)])
        await assert.rejects(readAll(stream), (error: StreamError) => ["replaced", "changed"].includes(error.code));
      assert.equal(String(await readAll(again().read("a.txt", 4, 7))), "new");
    },

    "different paths have different generations": async ({ store }) => {
      for (const path of ["a.txt", "b.txt", "dir/a.txt"]) await put(store, path, "same");
      const all = await Promise.all(["a.txt", "b.txt", "dir/a.txt"].map((path) => generationOf(store, path)));
      assert.equal(new Set(all).size, 3);
    },

    "every end reason of an append is on record once it has ended": async ({ store, again }) => {
      for (const reason of END_REASONS) {
        const handle = await store.claim("a.txt");
        await handle.append(Buffer.from("x"));
        const during = await again().stat("a.txt");
        assert.deepEqual([during?.appending, during?.ended], [true, undefined]);
        await handle.release(reason);
        const after = await again().stat("a.txt");
        assert.deepEqual([after?.appending, after?.ended], [false, reason]);
      }
    },

    "an append that was to continue on another server, and did not, was lost": async ({ store, again }) => {
      const handle = await store.claim("a.txt");
      await handle.append(Buffer.from("x"));
      await handle.release("restarting");
      assert.equal((await again().stat("a.txt"))?.ended, "lost");
    },

    "a claim without an append leaves the record as it was": async ({ store }) => {
      await holding(store, "new.txt", async () => {});
      assert.equal((await store.stat("new.txt"))?.ended, "unknown");
      const handle = await store.claim("a.txt");
      await handle.append(Buffer.from("x"));
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
        await handle.append(Buffer.from("x"));
        await handle.release("complete");
        assert.equal((await again().stat("a"))?.type, "text/x-first; charset=utf-8");
      }
    },
  });
}
