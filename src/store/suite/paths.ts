/**
 * Paths: files, folders, and invalid paths.
 * @module
 */

import { RESERVED_SEGMENT, SEGMENT_BYTES } from "../../protocol/path.ts";
import { assert } from "./assert.ts";
import { textOf } from "./bytes.ts";
import { type Cases, holding, listed, namesOf, put, rejectsWith, stored } from "./cases.ts";

/** Names that are known to cause problems in programs. */
const WEIRD_NAMES = [
  " ",
  "a b",
  ".hidden",
  "...",
  "..a",
  "~",
  "-rf",
  "new\nline",
  "tab\tand\rreturn",
  "quotes \" ' `",
  "<b>&amp;<i>",
  "100%",
  "%2e%2e",
  "a?b#c",
  "a:b*c|d",
  "CON",
  "nul.txt",
  "trailing dot.",
  "trailing space ",
  "\u0001\u007f",
  "\u202egnp.exe",
  "漢字🜁",
  "caf\u00e9",
  "cafe\u0301",
  "x".repeat(SEGMENT_BYTES),
  "ü".repeat(SEGMENT_BYTES / 2),
  "constructor",
  "__proto__",
  "toString",
];

/** The cases. */
export const PATHS: Cases = {
  "folders are created as they are needed": async ({ store }) => {
    await put(store, "a/b/c/d/e/f.txt", "deep");
    assert.equal(textOf(await stored(store, "a/b/c/d/e/f.txt")), "deep");
    await put(store, "a/b/g.txt", "beside");
    assert.equal(textOf(await stored(store, "a/b/g.txt")), "beside");
  },

  "nothing can be below a file": async ({ store }) => {
    await put(store, "a", "file");
    for (const path of ["a/b", "a/b/c"]) {
      await rejectsWith(store.claim(path), "path_conflict");
      await rejectsWith(store.claim(path, { create: false }), "path_conflict", "not_found");
    }
    await holding(store, "busy", () => rejectsWith(store.claim("busy/below"), "path_conflict"));
    assert.equal(textOf(await stored(store, "a")), "file");
  },

  "a folder can't be appended to": async ({ store }) => {
    await put(store, "a/b/c", "file");
    for (const path of ["a", "a/b"]) await rejectsWith(store.claim(path), "path_conflict");
    assert.equal(textOf(await stored(store, "a/b/c")), "file");
  },

  "of a file and one below it, claimed at once, at most one is created": async ({ store }) => {
    const claims = await Promise.allSettled([store.claim("x"), store.claim("x/y"), store.claim("x/y/z")]);
    const won = claims.flatMap((claim) => (claim.status === "fulfilled" ? [claim.value] : []));
    assert.ok(won.length <= 1, `${won.length} claims won`);
    for (const handle of won) await handle.release();
  },

  "paths that name no resource are refused": async ({ store }) => {
    const bad = [
      "",
      "/",
      "back\\slash",
      "a/",
      "/a",
      "a//b",
      ".",
      "..",
      "a/..",
      "../a",
      "a/./b",
      "nul\0",
      "x".repeat(256),
    ];
    for (const path of [...bad, "ü".repeat(128), RESERVED_SEGMENT, `${RESERVED_SEGMENT}/a`]) {
      await rejectsWith(store.claim(path), "bad_path");
    }
    assert.deepEqual(await listed(store, ""), []);
  },

  "the reserved name is only reserved at the top": async ({ store }) => {
    await put(store, `a/${RESERVED_SEGMENT}`, "x");
    assert.equal(textOf(await stored(store, `a/${RESERVED_SEGMENT}`)), "x");
    assert.deepEqual(namesOf(await listed(store, "a")), [RESERVED_SEGMENT]);
  },

  "unusual names are names like any other": async ({ store }) => {
    for (const name of WEIRD_NAMES) await put(store, name, `file ${name}`);
    for (const name of WEIRD_NAMES) await put(store, `folder/${name}/${name}`, `below ${name}`);
    for (const name of WEIRD_NAMES) {
      assert.equal(textOf(await stored(store, name)), `file ${name}`);
      assert.equal(textOf(await stored(store, `folder/${name}/${name}`)), `below ${name}`);
    }
    const rows = await listed(store, "folder");
    assert.deepEqual(namesOf(rows), [...WEIRD_NAMES].sort());
    for (const name of WEIRD_NAMES) assert.equal(await store.remove(name), true, name);
  },

  "upper and lower case, composed and decomposed characters are different names": async ({ store }) => {
    const names = ["a", "A", "\u00e9", "e\u0301", "\u212b", "\u00c5", "A\u030a", "ﬁ", "fi"];
    for (const name of names) await put(store, name, name);
    for (const name of names) assert.equal(textOf(await stored(store, name)), name);
    assert.equal((await listed(store, ""))?.length, names.length);
  },
};
