/** Watched folders, on a clock of the test: when they are listed, and when their watchers are told. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { FolderWatcher } from "../../src/engine/folders/folder-watch.ts";
import { FolderWatches } from "../../src/engine/folders/folder-watches.ts";
import type { LiveAppend } from "../../src/engine/folders/live-appends.ts";
import { resolveLimits } from "../../src/engine/limits.ts";
import type { ListOptions, Store, StoreEntry, StoreListing } from "../../src/engine/storage/store.ts";
import { memoryStore } from "../../src/stores/memory.ts";

/** Milliseconds by which the clock goes on at a time. */
const STEP_MS = 100;

let nowMs = 0;

/** Lets what is under way go on as far as it can without time. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn();
}

/** Lets time pass. */
async function pass(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += STEP_MS) {
    nowMs += STEP_MS;
    mock.timers.tick(STEP_MS);
    await settle();
  }
}

/** A store that other processes change. It notes its listings, and can hold them back. */
class ListedStore {
  readonly #memory = memoryStore();
  readonly listings: { readonly folder: string; readonly options: ListOptions | undefined }[] = [];
  looks: string[] = [];
  failure: Error | undefined;
  /** What a listing waits for before it returns what it has found. */
  held: Promise<void> | undefined;

  readonly store: Store = {
    ...{ sessions: this.#memory.sessions },
    stat: async (path) => {
      this.looks.push(path);
      return await this.#memory.stat(path);
    },
    claim: (path, options) => this.#memory.claim(path, options),
    read: (...range) => this.#memory.read(...range),
    remove: (path, check) => this.#memory.remove(path, check),
    list: async (folder, options) => await this.#list(folder, options),
  };

  async #list(folder: string, options?: ListOptions): Promise<StoreListing | undefined> {
    this.listings.push({ folder, options });
    if (this.failure) throw this.failure;
    const found = await this.#memory.list(folder, options);
    const rows: StoreEntry[] = [];
    for await (const row of found ?? []) rows.push(row);
    await this.held;
    return found && rows;
  }

  count(folder: string): number {
    return this.listings.filter((listing) => listing.folder === folder).length;
  }

  async append(path: string, reason: "complete" | "lost" = "complete"): Promise<void> {
    const release = await this.hold(path);
    await release(reason);
  }

  /** Appends a byte to a path. Call the result to end the append. */
  async hold(path: string): Promise<(reason: "complete" | "lost") => Promise<void>> {
    const handle = await this.#memory.claim(path);
    await handle.append(new Uint8Array(1));
    return (reason) => handle.release(reason);
  }

  async remove(path: string): Promise<void> {
    await this.#memory.remove(path);
  }
}

/** A watcher that notes what it is told. */
class Noted implements FolderWatcher {
  readonly told: string[][] = [];
  existenceChanges = 0;

  changed(names: ReadonlySet<string>): void {
    this.told.push([...names]);
  }

  existenceChanged(): void {
    this.existenceChanges++;
  }
}

let shared: ListedStore;
let watches: FolderWatches;
let failures: [string, unknown][];

beforeEach(() => {
  nowMs = 5_000;
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(performance, "now", () => nowMs);
  shared = new ListedStore();
  begin();
});
afterEach(() => mock.restoreAll());
afterEach(() => mock.timers.reset());

function begin(store: Partial<Store> = {}, rows?: number): void {
  failures = [];
  const limits = resolveLimits(rows === undefined ? {} : { liveListingRows: rows });
  watches = new FolderWatches(
    { ...shared.store, ...store },
    limits,
    (path, error) => void failures.push([path, error]),
  );
}

const append = (path: string, size: number, isKept = false): LiveAppend => ({ path, size, isKept });

describe("the listings of a watched folder", () => {
  test("are made every two seconds for all its watchers, until the last one leaves", async () => {
    await shared.append("f/a");
    const [one, other] = [new Noted(), new Noted()];
    const [watch, same] = await Promise.all([watches.watch("f", one), watches.watch("f", other)]);
    assert.equal(watch, same);
    assert.deepEqual([watch.watchers, watch.exists, watch.next, shared.count("f")], [2, true, undefined, 1]);
    await pass(1_900);
    assert.equal(shared.count("f"), 1);
    await pass(100);
    assert.equal(shared.count("f"), 2);
    watches.leave(watch, one);
    await pass(2_000);
    assert.equal(shared.count("f"), 3);
    watches.leave(watch, other);
    await pass(6_000);
    assert.equal(shared.count("f"), 3);
    assert.equal(shared.listings[2]?.options?.signal?.aborted, true);
  });

  test("begin anew for a watcher that comes later, whom a former watch does not affect", async () => {
    const former = new Noted();
    const old = await watches.watch("f", former);
    watches.leave(old, former);
    const present = new Noted();
    const watch = await watches.watch("f", present);
    assert.notEqual(watch, old);
    watches.leave(old, former);
    watches.began(append("f/a", 1));
    await pass(2_000);
    assert.deepEqual([shared.count("f"), present.told], [3, [["a"]]]);
    watches.leave(watch, present);
  });

  test("run one after the other", async () => {
    const noted = new Noted();
    const f = await watches.watch("f", noted);
    await pass(500);
    const [g, left] = [await watches.watch("g", noted), await watches.watch("left", noted)];
    const listed = (): string[] => shared.listings.map(({ folder }) => folder);
    let release = (): void => {};
    shared.held = new Promise((resolve) => {
      release = resolve;
    });
    await pass(3_000);
    assert.deepEqual(listed(), ["f", "g", "left", "f"]);
    // The first one is still being listed: a watcher that comes or goes starts no other one.
    watches.leave(left, noted);
    await pass(500);
    const h = await Promise.all([watches.watch("h", noted), settle().then(() => release())]).then(([watch]) => watch);
    shared.held = undefined;
    await settle();
    assert.deepEqual(listed(), ["f", "g", "left", "f", "h"]);
    await pass(STEP_MS);
    assert.deepEqual(listed(), ["f", "g", "left", "f", "h", "g"]);
    await pass(2_300);
    assert.deepEqual(listed().slice(6).toSorted(), ["f", "g", "h"]);
    for (const watch of [f, g, h]) watches.leave(watch, noted);
  });

  test("of a private store are made only after an event that may change folders", async () => {
    begin({ isPrivate: true });
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    await pass(6_000);
    assert.equal(shared.count("f"), 1);
    watches.began(append("f/sub/x", 0));
    await pass(2_000);
    assert.equal(shared.count("f"), 2);
    await pass(6_000);
    assert.equal(shared.count("f"), 2);
    watches.removed("f/a");
    await pass(2_000);
    assert.equal(shared.count("f"), 3);
    watches.leave(watch, noted);
  });

  test("tell of each change once, and of the first one nothing", async () => {
    await shared.append("f/a");
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    await pass(2_000);
    assert.deepEqual(noted.told, []);
    await shared.append("f/a");
    await shared.append("f/b");
    await pass(2_100);
    assert.deepEqual(noted.told, [["a", "b"]]);
    assert.equal(watch.rows.of("b")?.size, 1);
    await pass(4_000);
    assert.equal(noted.told.length, 1);
    watches.leave(watch, noted);
  });

  test("tell when the folder is gone, and when it is there again", async () => {
    await shared.append("f/a");
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    const before = noted.existenceChanges;
    await pass(2_000);
    assert.equal(noted.existenceChanges, before);
    await shared.remove("f/a");
    await pass(2_000);
    assert.deepEqual([watch.exists, noted.existenceChanges], [false, before + 1]);
    assert.deepEqual([watch.rows.size, watch.rows.goneOf("a")?.size], [0, 1]);
    await shared.append("f/b");
    await pass(2_000);
    assert.deepEqual([watch.exists, noted.existenceChanges], [true, before + 2]);
    watches.leave(watch, noted);
  });

  test("have no more rows than the limit, and name the last one", async () => {
    begin({}, 2);
    for (const name of ["a", "b"]) await shared.append(`f/${name}`);
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    assert.deepEqual([watch.next, watch.rows.size], [undefined, 2]);
    assert.equal(shared.listings[0]?.options?.limit, 3);
    for (const name of ["c", "d"]) await shared.append(`f/${name}`);
    await pass(2_000);
    assert.deepEqual([watch.next, watch.rows.size], ["b", 2]);
    await shared.remove("f/b");
    await pass(2_000);
    assert.equal(watch.next, "c");
    watches.leave(watch, noted);
  });

  test("look up how a hundred appends of other processes have ended, in any folder", async () => {
    const releases = [];
    for (let at = 0; at < 101; at++) releases.push(await shared.hold(`f/${String(at).padStart(3, "0")}`));
    const inRoot = await shared.hold("top");
    const noted = new Noted();
    const [watch, root] = [await watches.watch("f", noted), await watches.watch("", noted)];
    for (const release of [...releases, inRoot]) await release("lost");
    await pass(2_100);
    assert.deepEqual([shared.looks.length, shared.looks[0], shared.looks.at(-1)], [101, "f/000", "top"]);
    assert.deepEqual(
      ["000", "099", "100"].map((name) => watch.rows.of(name)?.reason),
      ["lost", "lost", undefined],
    );
    assert.equal(root.rows.of("top")?.reason, "lost");
    await pass(2_000);
    assert.equal(shared.looks.length, 101);
    for (const one of [watch, root]) watches.leave(one, noted);
  });

  test("do not take back what this process has done meanwhile", async () => {
    for (const name of ["a", "b"]) await shared.append(`f/${name}`);
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    let release = (): void => {};
    shared.held = new Promise((resolve) => {
      release = resolve;
    });
    await pass(2_000);
    assert.equal(shared.count("f"), 2);
    watches.removed("f/a");
    watches.began(append("f/new", 5));
    shared.held = undefined;
    release();
    await pass(500);
    assert.deepEqual(
      ["a", "b", "new"].map((name) => watch.rows.of(name)?.size),
      [undefined, 1, 5],
    );
    await pass(2_000);
    assert.equal(watch.rows.of("a")?.size, 1, "the next listing finds it");
    watches.leave(watch, noted);
  });

  test("that fail are reported once until one succeeds, and leave the rows as they are", async () => {
    await shared.append("f/a");
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    const error = new Error("the disk is away");
    shared.failure = error;
    await pass(4_000);
    assert.deepEqual([failures, shared.count("f"), watch.rows.size], [[["f", error]], 3, 1]);
    assert.equal(watch.isFailing, true);
    shared.failure = undefined;
    await pass(2_000);
    assert.equal(watch.isFailing, false);
    shared.failure = error;
    await pass(2_000);
    assert.equal(failures.length, 2);
    watches.leave(watch, noted);
  });

  test("are not reported as failed once all watchers have left", async () => {
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    let fail = (_: Error): void => {};
    shared.held = new Promise((_, reject) => {
      fail = reject;
    });
    await pass(2_000);
    watches.leave(watch, noted);
    fail(new Error("the disk is away"));
    await pass(4_000);
    assert.deepEqual([failures, shared.count("f")], [[], 2]);
  });

  test("that fail at first are not repeated: nothing is watched", async () => {
    shared.failure = new Error("the disk is away");
    await assert.rejects(watches.watch("f", new Noted()), shared.failure);
    await pass(6_000);
    assert.deepEqual([shared.count("f"), failures], [1, []]);
    shared.failure = undefined;
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    await pass(2_000);
    assert.equal(shared.count("f"), 3);
    watches.leave(watch, noted);
  });

  test("end when the last watcher leaves during the first one", async () => {
    const noted = new Noted();
    let release = (): void => {};
    shared.held = new Promise((resolve) => {
      release = resolve;
    });
    const watching = watches.watch("f", noted);
    await settle();
    const other = watches.watch("g", noted);
    await settle();
    release();
    shared.held = undefined;
    const [f, g] = await Promise.all([watching, other]);
    watches.leave(f, noted);
    await pass(2_000);
    assert.deepEqual([shared.count("f"), shared.count("g")], [1, 2]);
    watches.leave(g, noted);
  });
});

describe("the events of this process", () => {
  test("are told at once, then at most once a second and together", async () => {
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    watches.began(append("f/a", 3));
    assert.deepEqual(noted.told, []);
    mock.timers.tick(0);
    assert.deepEqual(noted.told, [["a"]]);
    assert.deepEqual([watch.rows.of("a")?.size, watch.rows.of("a")?.appending], [3, true]);
    watches.stored("f/a");
    watches.began(append("f/b", 1));
    watches.stored("f/b");
    await pass(900);
    assert.equal(noted.told.length, 1);
    await pass(100);
    assert.deepEqual(noted.told, [["a"], ["a", "b"]]);
    await pass(4_000);
    watches.stored("f/b");
    mock.timers.tick(0);
    assert.deepEqual(noted.told.at(-1), ["b"]);
    watches.leave(watch, noted);
  });

  test("reach the folder of the path, and as events of a subfolder those above it", async () => {
    const noted = { "": new Noted(), f: new Noted(), "f/sub": new Noted(), g: new Noted() };
    const found = await Promise.all(Object.entries(noted).map(([path, one]) => watches.watch(path, one)));
    const begun = append("f/sub/x", 0);
    watches.began(begun);
    mock.timers.tick(0);
    assert.deepEqual(
      Object.values(noted).map(({ told }) => told),
      [[["f"]], [["sub"]], [["x"]], []],
    );
    assert.deepEqual(
      found.map(({ rows }, at) => rows.of(["f", "sub", "x", ""][at] ?? "")?.kind),
      ["folder", "folder", "file", undefined],
    );
    await pass(1_000);
    watches.stored("f/sub/x");
    watches.stored("top");
    mock.timers.tick(0);
    assert.deepEqual(
      Object.values(noted).map(({ told }) => told.at(-1)),
      [["top"], ["sub"], ["x"], undefined],
    );
    watches.ended(begun, 0, "complete");
    assert.equal(found[0]?.rows.of("f")?.appending, false);
    for (const [at, one] of Object.values(noted).entries()) {
      const watch = found[at];
      if (watch) watches.leave(watch, one);
    }
    watches.stored("f/sub/x");
    watches.removed("f/sub/x");
  });

  test("show how an append has ended, unless it only restarts, is a kept claim, or is followed by another one", async () => {
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    const rowAfter = (name: string, end: () => void): unknown[] => {
      watches.began(append(`f/${name}`, 1));
      mock.timers.tick(0);
      nowMs += 1_000;
      end();
      mock.timers.tick(0);
      nowMs += 1_000;
      const { size, appending, reason } = watch.rows.of(name) ?? {};
      return [size, appending, reason];
    };
    const end =
      (name: string, reason: "complete" | "restarting", isKept = false) =>
      () => {
        const begun = append(`f/${name}`, 1, isKept);
        watches.began(begun);
        watches.ended(begun, 2, reason);
      };
    assert.deepEqual(rowAfter("a", end("a", "complete")), [2, false, "complete"]);
    assert.deepEqual(rowAfter("b", end("b", "restarting")), [1, true, undefined]);
    assert.deepEqual(rowAfter("c", end("c", "complete", true)), [1, true, undefined]);
    const followed = (): void => {
      watches.ended(append("f/d", 1), 2, "complete");
    };
    assert.deepEqual(rowAfter("d", followed), [1, true, undefined]);
    watches.leave(watch, noted);
  });

  test("show that a path was removed", async () => {
    await shared.append("f/a");
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    watches.removed("f/a");
    assert.deepEqual([watch.rows.of("a"), watch.rows.goneOf("a")?.size], [undefined, 1]);
    mock.timers.tick(0);
    assert.deepEqual(noted.told, [["a"]]);
    watches.leave(watch, noted);
  });

  test("are told to no watcher that has left", async () => {
    const noted = new Noted();
    const watch = await watches.watch("f", noted);
    watches.began(append("f/a", 1));
    watches.leave(watch, noted);
    watch.moved("a");
    await pass(2_000);
    assert.deepEqual(noted.told, []);
  });
});
