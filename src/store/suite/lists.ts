/**
 * Stat, list and remove.
 * @module
 */

import { StreamError } from "../../protocol/errors.ts";
import { assert } from "./assert.ts";
import { bytesOf, textOf } from "./bytes.ts";
import { type Cases, holding, listed, namesOf, put, rejectsWith, stored } from "./cases.ts";

/** The cases. */
export const LISTS: Cases = {
  "stat returns nothing for missing paths and for folders": async ({ store }) => {
    await put(store, "folder/a.txt", "x");
    for (const path of ["", "none", "folder", "folder/none", "none/a.txt"]) {
      assert.equal(await store.stat(path), undefined, JSON.stringify(path));
    }
    for (const path of ["folder/a.txt/below", "folder/a.txt/far/below"]) {
      await rejectsWith(store.stat(path), "path_conflict");
    }
  },

  "a listing has a row for each file and folder, sorted by name, with sizes": async ({ store }) => {
    await put(store, "b.txt", "12345");
    await put(store, "a/deep/er/x.txt", "x");
    await put(store, "a/y.txt", "yy");
    await put(store, "c", "");
    await put(store, "B.txt", "1");
    const rows = await listed(store, "");
    const shown = rows?.map(({ name, kind, size }) => `${name} ${kind} ${size}`);
    assert.deepEqual(shown, ["B.txt file 1", "a folder 0", "b.txt file 5", "c file 0"]);
    for (const row of rows ?? []) assert.ok(row.modified.getTime() > 0, row.name);
    assert.deepEqual(namesOf(await listed(store, "a")), ["deep", "y.txt"]);
    assert.deepEqual(namesOf(await listed(store, "a/deep")), ["er"]);
  },

  "a listing shows the size that an appender has reached": async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      await handle.append(bytesOf("123"));
      assert.equal((await listed(store, ""))?.[0]?.size, 3);
    });
  },

  "the empty root has an empty listing": async ({ store }) => {
    assert.deepEqual(await listed(store, ""), []);
  },

  "files and missing folders have no listing": async ({ store }) => {
    await put(store, "a.txt", "x");
    for (const path of ["a.txt", "none", "a.txt/below", "none/below"]) {
      assert.equal(await listed(store, path), undefined, path);
    }
  },

  "folders with a common prefix are distinct": async ({ store }) => {
    await put(store, "log/a", "x");
    await put(store, "logs/b", "x");
    await put(store, "log.txt", "x");
    assert.deepEqual(namesOf(await listed(store, "log")), ["a"]);
    assert.deepEqual(namesOf(await listed(store, "")), ["log", "log.txt", "logs"]);
  },

  "hundreds of names": async ({ store }) => {
    const names = Array.from({ length: 300 }, (_, at) => `file ${String(at).padStart(4, "0")}`);
    for (const name of names.toReversed()) await put(store, `many/${name}`, name);
    const rows = await listed(store, "many");
    assert.deepEqual(namesOf(rows), names);
    assert.ok(rows?.every(({ kind, size }) => kind === "file" && size === 9));
  },

  "names are in the order of their bytes in UTF-8, and a listing continues after any name": async ({ store }) => {
    // In the order of UTF-16 code units, "\ufb01" would come last.
    const names = ["B", "a", "a b", "a-b", "ab", "b", "\u00e9", "\u6f22", "\ufb01", "\u{1f701}", "\u{1f701}a"];
    for (const name of names.toReversed()) await put(store, `f/${name}`, name);
    assert.deepEqual(namesOf(await listed(store, "f")), names);
    for (const [at, name] of names.entries()) {
      assert.deepEqual(namesOf(await listed(store, "f", { after: name })), names.slice(at + 1), name);
      assert.deepEqual(namesOf(await listed(store, "f", { after: name, limit: 2 })), names.slice(at + 1, at + 3));
    }
    assert.deepEqual(
      namesOf(await listed(store, "f", { after: "a c", limit: 1 })),
      ["a-b"],
      "a name that is not there",
    );
    assert.deepEqual(namesOf(await listed(store, "f", { after: "" })), names);
    assert.deepEqual(await listed(store, "f", { after: "\u{1f701}b" }), []);
    assert.deepEqual(await listed(store, "f", { limit: 0 }), []);
  },

  "a row says whether the path has an appender": async ({ store }) => {
    await put(store, "f/idle", "x");
    await put(store, "f/in grace", "x");
    await put(store, "f/folder/x", "x");
    await store.sessions.save({ path: "f/in grace", digest: "0".repeat(64) });
    await holding(store, "f/busy", async () => {
      const rows = await listed(store, "f");
      const shown = rows?.map(({ name, appending }) => `${name}: ${appending}`);
      assert.deepEqual(shown, ["busy: true", "folder: false", "idle: false", "in grace: true"]);
    });
    assert.equal((await listed(store, "f"))?.[0]?.appending, false);
  },

  "a listing may be abandoned at any row": async ({ store }) => {
    for (let at = 0; at < 20; at++) await put(store, `f/${at}`, "x");
    for (const rows of [0, 1, 7]) {
      let count = 0;
      for await (const row of (await store.list("f")) ?? []) {
        assert.equal(row.kind, "file");
        if (count++ === rows) break;
      }
    }
    assert.equal((await listed(store, "f"))?.length, 20);
  },

  "remove deletes a resource and says whether there was one": async ({ store }) => {
    await put(store, "folder/a.txt", "x");
    assert.equal(await store.remove("folder/a.txt"), true);
    assert.equal(await store.stat("folder/a.txt"), undefined);
    assert.equal(await store.remove("folder/a.txt"), false);
    assert.equal(await store.remove("none"), false);
    assert.equal(await store.remove("no/such/folder"), false);
  },

  "remove does not touch folders": async ({ store }) => {
    await put(store, "folder/a.txt", "x");
    for (const path of ["", "folder"]) assert.equal(await store.remove(path), false, JSON.stringify(path));
    assert.equal(textOf(await stored(store, "folder/a.txt")), "x");
  },

  "a path with an appender is not removed": async ({ store }) => {
    await holding(store, "a.txt", async (handle) => {
      await handle.append(bytesOf("one "));
      await rejectsWith(store.remove("a.txt"), "conflict");
      await handle.append(bytesOf("two"));
    });
    assert.equal(textOf(await stored(store, "a.txt")), "one two");
    assert.equal(await store.remove("a.txt"), true);
  },

  "the check of a remove runs while no append can begin, and can prevent it": async ({ store, again }) => {
    await put(store, "a.txt", "x");
    const refused = new StreamError("precondition_failed", "Not this one.");
    const checked = store.remove("a.txt", async () => {
      await rejectsWith(again().claim("a.txt"), "conflict");
      throw refused;
    });
    await assert.rejects(checked, refused);
    assert.equal(await put(store, "a.txt", "y"), 2);
    assert.equal(await store.remove("none", () => assert.fail("nothing to check")), false);
    assert.equal(await store.remove("a.txt", async () => {}), true);
    assert.equal(await store.stat("a.txt"), undefined);
  },

  "a path that is written again after a remove is another resource, from its first byte": async ({ store }) => {
    await put(store, "a.txt", "old bytes");
    const old = await store.stat("a.txt");
    await store.remove("a.txt");
    assert.equal(await put(store, "a.txt", "new"), 3);
    assert.equal(textOf(await stored(store, "a.txt")), "new");
    assert.notEqual((await store.stat("a.txt"))?.generation, old?.generation);
  },
};
