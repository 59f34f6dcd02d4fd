/**
 * Claims: exclusive appends, from the claim to the release.
 * @module
 */
import { assert } from "./assert.ts";
import { bytesOf, textOf } from "./bytes.ts";
import { type Cases, holding, listed, needing, put, rejectsWith, stored } from "./cases.ts";

/** The cases. */
export const CLAIMS: Cases = {
  "a new path exists, empty, from its claim on": async ({ store }) => {
    await holding(store, "new.txt", async (handle) => {
      assert.equal(handle.offset, 0);
      assert.equal((await store.stat("new.txt"))?.size, 0);
    });
    assert.equal((await store.stat("new.txt"))?.size, 0, "it stays when nothing was appended");
  },

  "a discarded claim removes what it created, and nothing else": needing("discard", async ({ store }) => {
    await put(store, "there/a.txt", "");
    for (const path of ["new/folder/a.txt", "there/new/a.txt", "there/b.txt"]) {
      const handle = await store.claim(path);
      await handle.discard?.();
      assert.equal(await store.stat(path), undefined, path);
    }
    assert.deepEqual(
      (await listed(store, ""))?.map(({ name }) => name),
      ["there"],
    );
    assert.deepEqual(
      (await listed(store, "there"))?.map(({ name }) => name),
      ["a.txt"],
    );
    const old = await store.claim("there/a.txt");
    await old.discard?.();
    assert.equal((await store.stat("there/a.txt"))?.size, 0, "it was there before");
  }),

  "a claim of an existing path begins at its end": async ({ store }) => {
    await put(store, "a.txt", "one ");
    await holding(store, "a.txt", async (handle) => {
      assert.equal(handle.offset, 4);
      assert.equal(await handle.append(bytesOf("two")), 7);
    });
    assert.equal(textOf(await stored(store, "a.txt")), "one two");
  },

  "a claimed path is refused with conflict, and stays with its owner": async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      const error = await rejectsWith(store.claim("a.txt"), "conflict");
      assert.match(error.message, /a\.txt/, "the message names the path");
      assert.equal(error.path, "a.txt");
      await rejectsWith(store.claim("a.txt", { create: false }), "conflict");
      await handle.append(bytesOf("still mine"));
    });
    assert.equal(textOf(await stored(store, "a.txt")), "still mine");
  },

  "a second store on the same bytes respects the claims of the first": async ({ store, again }) => {
    const other = again();
    await holding(store, "dir/a.txt", () => rejectsWith(other.claim("dir/a.txt"), "conflict"));
    await holding(other, "dir/a.txt", () => rejectsWith(store.claim("dir/a.txt"), "conflict"));
  },

  "of many claims at once exactly one wins, whether the path exists or not": async ({ store, again }) => {
    await put(store, "old.txt", "x");
    const stores = [store, again(), store, again()];
    for (const path of ["old.txt", "some/where/new.txt"]) {
      const claims = Array.from({ length: 40 }, (_, at) => (stores[at % 4] ?? store).claim(path));
      const outcomes = await Promise.allSettled(claims);
      const won = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
      assert.equal(won.length, 1);
      for (const claim of claims) await claim.catch(() => rejectsWith(claim, "conflict"));
      await won[0]?.release();
    }
  },

  "claims of different paths are independent": async ({ store }) => {
    const paths = ["a", "b", "a.txt", "folder/a", "folder/b"];
    const handles = await Promise.all(paths.map((path) => store.claim(path)));
    await Promise.all(handles.map((handle, at) => handle.append(bytesOf(String(paths[at])))));
    await Promise.all(handles.map((handle) => handle.release()));
    for (const path of paths) assert.equal(textOf(await stored(store, path)), path);
  },

  "a release frees the path, once": async ({ store }) => {
    const first = await store.claim("a.txt");
    await first.release();
    const second = await store.claim("a.txt");
    await first.release();
    await rejectsWith(store.claim("a.txt"), "conflict");
    await second.release();
  },

  "a released handle can't write any more, and does not disturb its successor": async ({ store }) => {
    const first = await store.claim("a.txt");
    await first.append(bytesOf("first "));
    await first.release();
    await rejectsWith(first.append(bytesOf("late")), "fenced");
    const second = await store.claim("a.txt");
    await rejectsWith(first.append(bytesOf("late")), "fenced");
    assert.equal(second.offset, 6);
    assert.equal(await second.append(bytesOf("second")), 12);
    await second.release();
    assert.equal(textOf(await stored(store, "a.txt")), "first second");
  },

  "epochs grow with every claim of a path": async ({ store, again }) => {
    const epochs: number[] = [];
    for (const each of [store, again(), store, again()]) {
      epochs.push(await holding(each, "a.txt", async (handle) => handle.epoch));
    }
    const grown = epochs.slice(1).every((epoch, at) => epoch > (epochs[at] ?? Number.POSITIVE_INFINITY));
    assert.ok(grown, `epochs ${epochs.join(", ")}`);
  },

  "a claim that no other process took over is not revoked": async ({ store }) => {
    const handle = await store.claim("a.txt");
    await handle.append(bytesOf("x"));
    await handle.release();
    assert.equal(handle.revoked.aborted, false);
  },

  "without create, a path that does not exist is refused and not created": async ({ store }) => {
    await rejectsWith(store.claim("none.txt", { create: false }), "not_found");
    await rejectsWith(store.claim("no/such/folder/none.txt", { create: false }), "not_found");
    assert.equal(await store.stat("none.txt"), undefined);
    assert.equal(await listed(store, "no"), undefined);
    await put(store, "some.txt", "x");
    const handle = await store.claim("some.txt", { create: false });
    assert.equal(handle.offset, 1);
    await handle.release();
  },

  "a refused claim leaves the path free": async ({ store }) => {
    await rejectsWith(store.claim("a.txt", { create: false }), "not_found");
    await put(store, "folder/b.txt", "x");
    await rejectsWith(store.claim("folder"), "path_conflict");
    await holding(store, "a.txt", async () => {});
  },

  "a claim that is aborted before it begins claims nothing": async ({ store }) => {
    await assert.rejects(store.claim("a.txt", { signal: AbortSignal.abort() }));
    assert.equal(await store.stat("a.txt"), undefined);
    await holding(store, "a.txt", async () => {});
  },
};
