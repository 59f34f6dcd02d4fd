/** A search without a server: its batches, its turns of the event loop, and its ends. */
import assert from "node:assert/strict";
import { afterEach, describe, it, mock } from "node:test";
import { Literal } from "../../src/engine/scan/literal.ts";
import { ScanTurns } from "../../src/engine/scan/scan-turns.ts";
import { type Hit, type SearchEnd, type SearchTerms, search } from "../../src/engine/scan/search.ts";
import type { StoreStat } from "../../src/engine/storage/store.ts";
import { rejectsWith } from "../contract/store/driver.ts";
import { HeldStore } from "../fixture/held-store.ts";

const STEP = 64 * 1024;

/** A search with everything that a test looks at. */
class Rig {
  readonly store = new HeldStore();
  readonly gone = new AbortController();
  turns = 0;
  change: (found: StoreStat) => StoreStat | undefined = (found) => found;

  async terms(content: string, text: string, more: Partial<SearchTerms> = {}): Promise<SearchTerms> {
    await this.store.append("a", content);
    const { generation = "", size = 0 } = (await this.store.stat("a")) ?? {};
    const stat = this.store.stat.bind(this.store);
    this.store.stat = async (path) => {
      const found = await stat(path);
      return found && this.change(found);
    };
    const turns = new ScanTurns();
    const next = turns.next.bind(turns);
    turns.next = () => {
      this.turns++;
      return next();
    };
    return {
      ...{ store: this.store, turns, path: "a", generation, from: 0, to: size, signal: this.gone.signal },
      ...{ literal: new Literal(text, { ignoreCase: false }), limit: Number.MAX_SAFE_INTEGER },
      ...more,
    };
  }
}

async function all(terms: SearchTerms): Promise<{ batches: number[]; hits: Hit[]; end: SearchEnd }> {
  const found = search(terms);
  const batches: number[] = [];
  const hits: Hit[] = [];
  for (;;) {
    const { done, value } = await found.next();
    if (done) return { batches, hits, end: value };
    batches.push(value.length);
    hits.push(...value);
  }
}

describe("a search", () => {
  afterEach(() => mock.restoreAll());

  it("yields its hits in batches of at most a thousand, and no empty ones", async () => {
    const rig = new Rig();
    const { batches, end } = await all(await rig.terms(`${"x\n".repeat(2_500)}${"-".repeat(3 * STEP)}`, "x"));
    assert.deepEqual(batches, [1_000, 1_000, 500]);
    assert.deepEqual(end, { next: 5_000 + 3 * STEP, isLimited: false });
  });

  it("ends at its limit, behind the last hit, even if the hits are exactly as many", async () => {
    for (const [limit, next, isLimited] of [
      [1, 2, true],
      [3, 8, true],
      [4, 8, false],
    ] as const) {
      const rig = new Rig();
      const { hits, end } = await all(await rig.terms("ab-ab-ab", "ab", { limit }));
      assert.deepEqual([hits.length, end], [Math.min(limit, 3), { next, isLimited }]);
    }
  });

  it("gives other events a turn when it has worked for two milliseconds", async () => {
    const steps = 8;
    for (const [msPerLook, turns] of [
      [0, 0],
      [0.9, 2],
      [3, steps],
    ] as const) {
      const rig = new Rig();
      let now = 0;
      mock.method(performance, "now", () => (now += msPerLook));
      const terms = await rig.terms("-".repeat(steps * STEP), "x");
      await all(terms);
      mock.restoreAll();
      // The slices of the range have turns of their own: the first one of 64 KiB, and each twice as large as the one before.
      const slices = 4;
      if (msPerLook === 0.9) assert.ok(rig.turns > slices && rig.turns < slices + steps, `${rig.turns} turns`);
      else assert.equal(rig.turns - slices, turns);
    }
  });

  it("fails when its client has left, with or without hits before", async () => {
    for (const text of ["x", "nothing"]) {
      const rig = new Rig();
      const terms = await rig.terms("x\n".repeat(4 * STEP), text);
      rig.gone.abort();
      const lost = await rejectsWith(all(terms), "lost");
      assert.match(lost.message, /disconnected/);
    }
  });

  it("fails when its content was replaced, removed or cut meanwhile, and not when it has grown", async () => {
    const others: Rig["change"][] = [
      (found) => ({ ...found, generation: "other" }),
      (found) => ({ ...found, size: found.size - 1 }),
      () => undefined,
    ];
    for (const change of others) {
      const rig = new Rig();
      const terms = await rig.terms("x\ny\n", "y");
      rig.change = change;
      const changed = await rejectsWith(all(terms), "changed");
      assert.match(changed.message, /"\/a" was changed during the search/);
    }
    const rig = new Rig();
    const terms = await rig.terms("x\ny\n", "y");
    rig.change = (found) => ({ ...found, size: found.size + 1 });
    assert.equal((await all(terms)).hits.length, 1);
  });

  it("finds the beginning of a line at each distance before its range", async () => {
    for (const before of [0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP, 5 * STEP + 7]) {
      const content = `first\n${"-".repeat(before)}needle\n`;
      const rig = new Rig();
      const { hits } = await all(await rig.terms(content, "needle", { from: 6 + before }));
      assert.deepEqual(hits, [{ offset: 6 + before, lineStart: 6 }]);
      const one = new Rig();
      const first = await all(await one.terms(content.slice(6), "needle", { from: before }));
      assert.deepEqual(first.hits, [{ offset: before, lineStart: 0 }]);
    }
  });

  it("finds the beginnings of lines in a long content, with text dropped meanwhile", async () => {
    const rig = new Rig();
    const line = `needle ${"-".repeat(993)}\n`;
    const { hits } = await all(await rig.terms(line.repeat(500), "needle"));
    assert.deepEqual(
      hits,
      Array.from({ length: 500 }, (_, at) => ({ offset: at * line.length, lineStart: at * line.length })),
    );
    const words = `${"needle ".repeat(12_000)}\n`;
    const others = await all(await new Rig().terms(words.repeat(5), "needle"));
    assert.ok(others.hits.every(({ offset, lineStart }) => lineStart === offset - (offset % words.length)));
    assert.equal(others.hits.length, 60_000);
  });

  it("reads what is before its range only for a hit, once, and not at all if a line feed comes first", async () => {
    for (const [behind, reads] of [
      ["nothing", 1],
      ["needle needle", 2],
      ["\nneedle", 1],
    ] as const) {
      const rig = new Rig();
      const terms = await rig.terms(`first\n${"-".repeat(100)}${behind}`, "needle", { from: 106 });
      const before = rig.store.reads;
      await all(terms);
      assert.equal(rig.store.reads - before, reads, behind);
    }
  });

  it("fails when its client leaves while it looks for the beginning of a line", async () => {
    const rig = new Rig();
    const terms = await rig.terms(`${"-".repeat(10 * STEP)}needle`, "needle", { from: 10 * STEP });
    const read = rig.store.read.bind(rig.store);
    let reads = 0;
    rig.store.read = (...args) => {
      if (++reads === 3) rig.gone.abort();
      return read(...args);
    };
    await rejectsWith(all(terms), "lost");
    assert.equal(reads, 3, "it reads no further");
  });
});
