/** Stat, list and remove. */
import assert from "node:assert/strict";
import { type Driver, holding, namesOf, put, rejectsWith, section, stored } from "./driver.ts";

export function listSection(driver: Driver): void {
  section(driver, "stat, list and remove", {
    "stat knows nothing of what was never written, and nothing of folders": async ({ store }) => {
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
      const rows = await store.list("");
      const shown = rows?.map(({ name, kind, size }) => `${name} ${kind} ${size}`);
      assert.deepEqual(shown, ["B.txt file 1", "a folder 0", "b.txt file 5", "c file 0"]);
      for (const row of rows ?? []) assert.ok(row.modified.getTime() > 0, row.name);
      assert.deepEqual(namesOf(await store.list("a")), ["deep", "y.txt"]);
      assert.deepEqual(namesOf(await store.list("a/deep")), ["er"]);
    },

    "a listing shows the size that an appender has reached": async ({ store }) => {
      await holding(store, "a.txt", async (handle) => {
        await handle.append(Buffer.from("123"));
        assert.equal((await store.list(""))?.[0]?.size, 3);
      });
    },

    "the empty root has an empty listing": async ({ store }) => {
      assert.deepEqual(await store.list(""), []);
    },

    "there is no listing of a file, nor of what does not exist": async ({ store }) => {
      await put(store, "a.txt", "x");
      for (const path of ["a.txt", "none", "a.txt/below", "none/below"]) {
        assert.equal(await store.list(path), undefined, path);
      }
    },

    "folders whose names begin alike are told apart": async ({ store }) => {
      await put(store, "log/a", "x");
      await put(store, "logs/b", "x");
      await put(store, "log.txt", "x");
      assert.deepEqual(namesOf(await store.list("log")), ["a"]);
      assert.deepEqual(namesOf(await store.list("")), ["log", "log.txt", "logs"]);
    },

    "hundreds of names": async ({ store }) => {
      const names = Array.from({ length: 300 }, (_, at) => `file ${String(at).padStart(4, "0")}`);
      for (const name of names.toReversed()) await put(store, `many/${name}`, name);
      const rows = await store.list("many");
      assert.deepEqual(namesOf(rows), names);
      assert.ok(rows?.every(({ kind, size }) => kind === "file" && size === 9));
    },

    "remove takes a resource away and says whether there was one": async ({ store }) => {
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
      assert.equal(String(await stored(store, "folder/a.txt")), "x");
    },

    "what is being appended to is not removed": async ({ store }) => {
      await holding(store, "a.txt", async (handle) => {
        await handle.append(Buffer.from("one "));
        await rejectsWith(store.remove("a.txt"), "conflict");
        await handle.append(Buffer.from("two"));
      });
      assert.equal(String(await stored(store, "a.txt")), "one two");
      assert.equal(await store.remove("a.txt"), true);
    },

    "what is written anew after a remove is another resource, from its first byte": async ({ store }) => {
      await put(store, "a.txt", "old bytes");
      const old = await store.stat("a.txt");
      await store.remove("a.txt");
      assert.equal(await put(store, "a.txt", "new"), 3);
      assert.equal(String(await stored(store, "a.txt")), "new");
      assert.notEqual((await store.stat("a.txt"))?.generation, old?.generation);
    },
  });
}
