/**
 * The optional parts of the contract.
 * @module
 */
import { assert } from "./assert.ts";
import { bytesOf, textOf } from "./bytes.ts";
import { type Cases, holding, needing, put, stored } from "./cases.ts";

/** The cases. */
export const PARTS: Cases = {
  "verify passes while nothing else changes the content": needing("verify", async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      await handle.verify?.();
      await handle.append(bytesOf("one "));
      await handle.verify?.();
      await handle.append(bytesOf("two"));
    });
    assert.equal(textOf(await stored(store, "a.txt")), "one two");
  }),

  "tidy removes no resource, no session and no claim": needing("tidy", async ({ store, again }) => {
    await put(store, "folder/a.txt", "x");
    const session = { path: "b.txt", digest: "0".repeat(64) };
    await store.sessions.save(session);
    await holding(store, "c.txt", async (handle) => {
      await again().tidy?.();
      await handle.append(bytesOf("y"));
    });
    assert.equal(textOf(await stored(store, "folder/a.txt")), "x");
    assert.equal(textOf(await stored(store, "c.txt")), "y");
    assert.deepEqual(await store.sessions.find("b.txt"), session);
  }),

  "a path that no other process appends to can't be watched": needing("watch", async ({ store }) => {
    await put(store, "a.txt", "x");
    const { signal } = new AbortController();
    assert.equal(await store.watch?.("a.txt", signal), undefined);
    assert.equal(await store.watch?.("none.txt", signal), undefined);
  }),
};
