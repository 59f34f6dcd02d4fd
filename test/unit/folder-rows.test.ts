/** The rows of a live listing: what events of this process and listings of the store make of them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FolderRows } from "../../src/engine/folders/folder-rows.ts";
import { foldersOf, type LiveAppend, LiveAppends } from "../../src/engine/folders/live-appends.ts";
import type { StoreEntry } from "../../src/engine/storage/store.ts";

const NOTHING: ReadonlySet<string> = new Set();
const OLD = new Date(1_000);

const file = (name: string, size: number, more: Partial<StoreEntry> = {}): StoreEntry => ({
  ...{ name, kind: "file", size, modified: OLD },
  ...more,
});
const folder = (name: string): StoreEntry => ({ name, kind: "folder", size: 0, modified: OLD });
const append = (path: string, size: number, isKept = false): LiveAppend => ({ path, size, isKept });

/** Rows of the folder "f" after a listing, and the appends of this process. */
function rowsOf(...entries: StoreEntry[]): { readonly rows: FolderRows; readonly live: LiveAppends } {
  const live = new LiveAppends();
  const rows = new FolderRows("f", live);
  rows.replace({ rows: entries, isCut: false }, NOTHING);
  return { rows, live };
}

describe("a listing", () => {
  test("adds rows in its order, and reports only what has changed", () => {
    const { rows } = rowsOf();
    const list = (...entries: StoreEntry[]): string[] => [
      ...rows.replace({ rows: entries, isCut: false }, NOTHING).names,
    ];
    assert.deepEqual(list(file("b", 1), file("a", 2), folder("sub")), ["b", "a", "sub"]);
    assert.deepEqual(
      [...rows.all].map(({ name }) => name),
      ["b", "a", "sub"],
    );
    assert.equal(rows.size, 3);
    assert.deepEqual(rows.of("b"), { ...file("b", 1), appending: false });
    assert.equal(rows.of("c"), undefined);
    assert.deepEqual(list(file("b", 1), file("a", 2), folder("sub")), []);
    assert.deepEqual(list(file("b", 2), file("a", 2), folder("sub")), ["b"]);
    assert.deepEqual(list(file("b", 2), file("a", 2, { modified: new Date(2_000) }), folder("sub")), ["a"]);
    assert.deepEqual(list(file("b", 2, { appending: true }), file("a", 2), folder("sub")), ["b", "a"]);
    assert.deepEqual(list(file("b", 2, { appending: true }), folder("a"), folder("sub")), ["a"]);
    assert.equal(rows.of("b")?.appending, true);
  });

  test("names the files whose append in another process has ended, and no folders", () => {
    const { rows, live } = rowsOf(file("a", 1, { appending: true }), file("b", 1), file("d", 1, { appending: true }));
    const below = append("f/sub/x", 1);
    live.began(below);
    rows.replace({ rows: [file("a", 1, { appending: true }), file("b", 1), folder("sub")], isCut: false }, NOTHING);
    assert.equal(rows.of("sub")?.appending, true);
    live.ended(below);
    const { names, ended } = rows.replace({ rows: [file("a", 2), file("b", 2), folder("sub")], isCut: false }, NOTHING);
    assert.deepEqual(ended, ["a"]);
    assert.deepEqual([...names], ["a", "b", "sub"]);
    assert.equal(rows.of("sub")?.appending, false);
  });

  test("shows a folder as live as long as this process or another one appends below it", () => {
    const { rows, live } = rowsOf(folder("sub"), folder("other"));
    const list = (...elsewhere: string[]): boolean | undefined => {
      rows.replace({ rows: [folder("sub"), folder("other")], elsewhere: new Set(elsewhere), isCut: false }, NOTHING);
      assert.equal(rows.of("other")?.appending, false);
      return rows.of("sub")?.appending;
    };
    assert.equal(list("sub", "gone"), true);
    const below = append("f/sub/x", 1);
    live.began(below);
    assert.equal(list(), true);
    list("sub");
    live.ended(below);
    rows.movedBelow("sub");
    assert.equal(rows.of("sub")?.appending, true, "the other process still appends");
    assert.equal(list(), false);
  });

  test("of a store that other servers share decides when a folder is no longer live", () => {
    const { rows, live } = rowsOf(folder("sub"));
    const list = (...elsewhere: string[]): boolean | undefined => {
      rows.replace({ rows: [folder("sub")], elsewhere: new Set(elsewhere), isCut: false }, NOTHING);
      return rows.of("sub")?.appending;
    };
    list();
    const below = append("f/sub/x", 1);
    live.began(below);
    rows.movedBelow("sub");
    live.ended(below);
    rows.movedBelow("sub");
    assert.equal(rows.of("sub")?.appending, true, "another server may have begun to append since");
    assert.equal(list("sub"), true);
    assert.equal(list(), false);
    rows.movedBelow("sub");
    assert.equal(rows.of("sub")?.appending, false);
  });

  test("does not touch rows that this process has changed since it began", () => {
    const { rows } = rowsOf(file("a", 1), file("b", 1));
    const { names } = rows.replace({ rows: [file("a", 7), file("c", 1)], isCut: false }, new Set(["a", "b", "c"]));
    assert.deepEqual([...names], []);
    assert.deepEqual(
      [...rows.all].map(({ name, size }) => [name, size]),
      [
        ["a", 1],
        ["b", 1],
      ],
    );
  });

  test("removes rows that are gone, unless this process appends to them", () => {
    const { rows, live } = rowsOf(file("a", 1), file("b", 2), file("c", 3));
    live.began(append("f/c", 3));
    const { names } = rows.replace({ rows: [file("a", 1)], isCut: false }, NOTHING);
    assert.deepEqual([...names], ["b"]);
    assert.deepEqual([rows.of("b"), rows.goneOf("b")?.size, rows.of("c")?.size], [undefined, 2, 3]);
  });

  test("that is cut off reports no row behind its last one as gone", () => {
    const { rows } = rowsOf(file("a", 1), file("b", 1), file("c", 1), file("d", 1));
    const { names } = rows.replace({ rows: [file("a", 1), file("c", 1)], isCut: true }, NOTHING);
    assert.deepEqual([...names], ["b"]);
    assert.deepEqual(
      [...rows.all].map(({ name }) => name),
      ["a", "c"],
    );
    assert.deepEqual([...rows.replace({ rows: [], isCut: true }, NOTHING).names], ["a", "c"]);
  });

  test("leaves a row alone that this process appends to, and takes one that it did not know", () => {
    const { rows, live } = rowsOf(file("a", 1));
    live.began(append("f/a", 9));
    rows.moved("a");
    const known = rows.of("a");
    live.began(append("f/b", 9));
    live.began(append("f/kept", 9, true));
    const listed = [file("a", 5), file("b", 5), file("kept", 5, { appending: true })];
    assert.deepEqual([...rows.replace({ rows: listed, isCut: false }, NOTHING).names], ["b", "kept"]);
    assert.equal(rows.of("a"), known);
    assert.deepEqual(rows.of("b"), file("b", 5, { appending: true }));
    assert.deepEqual(rows.of("kept"), file("kept", 5, { appending: false }));
  });

  test("keeps how the last append has ended while the size is the same", () => {
    const { rows } = rowsOf(file("a", 1), file("b", 1), file("c", 1));
    for (const name of ["a", "b", "c"]) rows.explain(name, "lost");
    const later = new Date(2_000);
    const listed = [file("a", 1, { modified: later }), file("b", 2), file("c", 1, { appending: true })];
    rows.replace({ rows: listed, isCut: false }, NOTHING);
    assert.deepEqual(rows.of("a"), { ...file("a", 1, { modified: later, appending: false }), reason: "lost" });
    assert.deepEqual(rows.of("b"), file("b", 2, { appending: false }));
    assert.deepEqual(rows.of("c"), file("c", 1, { appending: true }));
    rows.replace({ rows: [file("a", 1), file("b", 2), file("c", 1)], isCut: false }, NOTHING);
    assert.equal(rows.of("c")?.reason, undefined);
  });
});

describe("an event of this process", () => {
  test("shows the size and the state of an append, with the time at which it grew", () => {
    const { rows, live } = rowsOf(file("a", 1));
    rows.explain("a", "lost");
    rows.moved("a");
    rows.moved("unknown");
    assert.deepEqual([rows.of("a")?.reason, rows.size], ["lost", 1]);
    live.began(append("f/a", 1));
    rows.moved("a");
    assert.deepEqual(rows.of("a"), file("a", 1, { appending: true }));
    const row = rows.of("a");
    rows.moved("a");
    assert.equal(rows.of("a"), row);
    live.began(append("f/a", 2));
    rows.moved("a");
    const grown = rows.of("a");
    assert.deepEqual([grown?.size, grown?.kind, grown?.appending], [2, "file", true]);
    assert.ok((grown?.modified ?? OLD) > OLD);
    live.began(append("f/new", 3));
    rows.moved("new");
    assert.deepEqual([rows.of("new")?.size, rows.of("new")?.name], [3, "new"]);
  });

  test("does not show a kept claim as an append", () => {
    const { rows, live } = rowsOf(file("a", 1));
    rows.explain("a", "complete");
    live.began(append("f/a", 2, true));
    rows.moved("a");
    const { appending, reason, size } = rows.of("a") ?? {};
    assert.deepEqual([appending, reason, size], [false, "complete", 2]);
  });

  test("belongs to a path of the root, too", () => {
    const live = new LiveAppends();
    const rows = new FolderRows("", live);
    live.began(append("a", 1));
    live.began(append("sub/b", 1));
    rows.moved("a");
    rows.movedBelow("sub");
    assert.deepEqual([rows.of("a")?.appending, rows.of("sub")?.appending], [true, true]);
  });

  test("shows how an append has ended", () => {
    const { rows } = rowsOf(file("a", 1));
    rows.ended("a", 5, "lost");
    rows.ended("b", 6, "complete");
    assert.deepEqual(rows.of("a"), { ...file("a", 5, { appending: false }), reason: "lost" });
    const { modified, ...row } = rows.of("b") ?? { modified: OLD };
    assert.deepEqual(row, { name: "b", kind: "file", size: 6, appending: false, reason: "complete" });
    assert.ok(modified > OLD);
  });

  test("shows a folder in which an append runs, and a known one in which none does", () => {
    const { rows, live } = rowsOf(folder("sub"));
    const appends = [append("f/sub/x", 1), append("f/new/deep/x", 1)];
    for (const one of appends) live.began(one);
    for (const name of ["sub", "new", "other"]) rows.movedBelow(name);
    assert.deepEqual(rows.of("sub"), { ...folder("sub"), appending: true });
    const { modified, ...row } = rows.of("new") ?? { modified: OLD };
    assert.deepEqual(row, { name: "new", kind: "folder", size: 0, appending: true });
    assert.ok(modified > OLD);
    assert.equal(rows.of("other"), undefined);
    for (const one of appends) live.ended(one);
    rows.movedBelow("sub");
    assert.deepEqual(rows.of("sub"), { ...folder("sub"), appending: false });
  });

  test("explains only a row that is not appended to", () => {
    const { rows } = rowsOf(file("a", 1), file("b", 1, { appending: true }));
    for (const name of ["a", "b", "c"]) rows.explain(name, "lost");
    assert.deepEqual(
      ["a", "b", "c"].map((name) => rows.of(name)?.reason),
      ["lost", undefined, undefined],
    );
    assert.equal(rows.of("c"), undefined);
  });
});

test("the latest ten thousand removed rows are remembered", () => {
  const names = Array.from({ length: 10_000 }, (_, at) => `row ${at}`);
  const { rows } = rowsOf(...names.map((name) => file(name, 1)));
  rows.removed("unknown");
  assert.equal(rows.goneOf("unknown"), undefined);
  for (const name of names) rows.removed(name);
  assert.equal(rows.size, 0);
  assert.equal(rows.goneOf("row 0")?.size, 1);
  rows.replace({ rows: [file("row 0", 2), file("one more", 1)], isCut: false }, NOTHING);
  rows.removed("row 0");
  rows.removed("one more");
  assert.deepEqual(
    ["row 0", "row 1", "row 2", "one more"].map((name) => rows.goneOf(name)?.size),
    [2, undefined, 1, 1],
  );
});

describe("the appends of this process", () => {
  test("count for each folder above them, until they end", () => {
    const live = new LiveAppends();
    const [one, other] = [append("a/b/one", 1), append("a/other", 1)];
    live.began(one);
    live.began(other);
    assert.deepEqual(
      ["", "a", "a/b", "a/b/one", "b"].map((path) => live.isBelow(path)),
      [true, true, true, false, false],
    );
    assert.equal(live.of("a/b/one"), one);
    live.ended(one);
    live.ended(one);
    assert.deepEqual(
      ["", "a", "a/b"].map((path) => live.isBelow(path)),
      [true, true, false],
    );
    assert.equal(live.of("a/b/one"), undefined);
    live.ended(other);
    assert.equal(live.isBelow(""), false);
  });

  test("do not count as kept claims, and not twice when another one begins", () => {
    const live = new LiveAppends();
    live.began(append("a/one", 1, true));
    assert.equal(live.isBelow("a"), false);
    const former = append("a/one", 1);
    live.began(former);
    const present = append("a/one", 2);
    live.began(present);
    live.ended(former);
    assert.equal(live.of("a/one"), present);
    assert.equal(live.isBelow("a"), true);
    live.ended(present);
    assert.equal(live.isBelow("a"), false);
    live.ended(undefined);
  });

  test("are below these folders", () => {
    assert.deepEqual([...foldersOf("a/b/c")], ["a/b", "a", ""]);
    assert.deepEqual([...foldersOf("a")], [""]);
    assert.deepEqual([...foldersOf("")], []);
  });
});
