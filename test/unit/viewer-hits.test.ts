/** The hits of a search in the viewer: each can be reached, forwards and backwards, however many there are. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Hit, Hits, type HitsParts, MAX_HITS } from "../../src/viewer/page/tools/hits.ts";
import { runsOf } from "../fixture/short.ts";

/** A path that can be searched, and the searches that were made. */
class Path implements HitsParts {
  text: string;
  readonly #wanted: string;
  readonly mostBytes: number;
  readonly asked: number[] = [];
  found = 0;
  isCancelled = false;

  constructor(text: string, wanted: string, mostBytes = Number.POSITIVE_INFINITY) {
    this.text = text;
    this.#wanted = wanted;
    this.mostBytes = mostBytes;
  }

  readonly size = (): number => this.text.length;
  readonly onFound = (): void => {
    this.found++;
  };
  readonly floor = async (offset: number): Promise<number> => lineOf(this.text, offset);

  /** Like the server: batches of hits, each search has a limit of 1,000. */
  readonly find: HitsParts["find"] = async ({ from, to = Number.POSITIVE_INFINITY }, onHits) => {
    this.asked.push(from);
    if (this.isCancelled) return undefined;
    const end = Math.min(this.text.length, from + this.mostBytes);
    let next = from;
    for (let wantsMore = true; wantsMore; ) {
      const hits = hitsIn(this.text.slice(0, end), this.#wanted, next).slice(0, 1_000);
      next = (hits.at(-1)?.offset ?? end) + this.#wanted.length;
      const inside = hits.filter(({ offset }) => offset < to);
      for (let at = 0; at < inside.length; at += 300) wantsMore = onHits(inside.slice(at, at + 300));
      if (inside.length < hits.length) return { next: to, size: undefined };
      if (hits.length < 1_000) return { next: end, size: end === this.text.length ? end : undefined };
    }
    return { next, size: undefined };
  };
}

describe("the hits of a search", () => {
  test("are all reached from anywhere, and counted as far as they are known", async () => {
    const text = "a needle\nhay\n".repeat(30_000);
    const all = hitsIn(text, "needle");
    const path = new Path(text, "needle");
    const hits = new Hits(path);
    await hits.search();
    assert.deepEqual(hits.count, { count: MAX_HITS, isMore: true, isFirst: true });
    // The reader is near the end: the next hit is there, and has no known number.
    const place = lineOf(text, text.length - 1_000);
    const near = await hits.after(place);
    assert.deepEqual(
      near,
      all.find(({ offset }) => offset >= place),
    );
    assert.equal(near && hits.numberOf(near), undefined);
    assert.deepEqual(
      await hits.before(place),
      all.findLast(({ offset }) => offset < place),
    );
    // Forwards from the first one, over the edges of what was looked for, to the first one again.
    let at = 0;
    for (const [index, expected] of all.entries()) {
      const hit = await hits.after(at);
      assert.deepEqual(hit, expected);
      if (index % 997 === 0) assert.equal(hits.numberOf(expected), index + 1);
      at = expected.offset + 1;
    }
    assert.deepEqual(hits.count, { count: 30_000, isMore: true, isFirst: false });
    assert.deepEqual(await hits.after(at), all[0]);
    assert.deepEqual(hits.count, { count: 30_000, isMore: false, isFirst: false });
    // Backwards from the first one, over the end.
    at = all[0]?.offset ?? 0;
    for (const expected of all.toReversed()) {
      const hit = await hits.before(at);
      assert.deepEqual(hit, expected);
      at = expected.offset;
    }
    assert.deepEqual(hits.count, { count: 30_000, isMore: false, isFirst: false });
    assert.ok(path.asked.length < 200, `${path.asked.length} searches`);
    const known = hits.all.map(({ offset }) => offset);
    assert.deepEqual(
      known,
      [...new Set(known)].sort((one, other) => one - other),
    );
  });

  test("are those that a search for all of them has, wherever the reader goes", async () => {
    const line = fc.oneof(
      fc.constantFrom("", "aa", "aaaaa", "b", "a"),
      fc.nat(70_000).map((length) => "b".repeat(length)),
      fc.nat(3_000).map((length) => "aab".repeat(length)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(fc.boolean(), fc.option(fc.nat(), { freq: 3 })), { maxLength: 12 }),
        fc.boolean(),
        async (lines, steps, isEarly) => {
          const text = lines.join("\n");
          const all = hitsIn(text, "aa");
          const hits = new Hits(new Path(text, "aa"));
          const searching = hits.search();
          if (!isEarly) await searching;
          let at = 0;
          for (const [isForward, place] of steps) {
            const from = place === null ? at : lineOf(text, place % (text.length + 1));
            const hit = await stepFrom(hits, isForward, from, all);
            at = (hit?.offset ?? from) + (hit && isForward ? 1 : 0);
          }
          await searching;
        },
      ),
      { numRuns: runsOf(200) },
    );
  });

  test("of lines that have come since are found, and one that its line has lost is not kept", async () => {
    const path = new Path("one needle\ntwo nee", "needle");
    const hits = new Hits(path);
    assert.equal(await hits.search(), true);
    assert.equal(hits.count.count, 1);
    path.text += "needle\n";
    assert.equal(await hits.search(), true);
    assert.deepEqual(hits.count, { count: 2, isMore: false, isFirst: true });
    const last = await hits.before(path.text.length);
    path.text += "needle\n";
    assert.deepEqual(await hits.after((last?.offset ?? 0) + 1), { offset: 25, line: 25 });
    // A search for lines, whose last one was not complete.
    let isHit = true;
    const lines = new Hits({
      ...{ floor: path.floor, size: path.size, onFound: path.onFound, mostBytes: path.mostBytes },
      async find(_, onHits) {
        onHits(isHit ? [{ offset: 5, line: 5 }] : []);
        return { next: 5, size: path.size() };
      },
    });
    await lines.search();
    assert.equal(lines.count.count, 1);
    isHit = false;
    await lines.search();
    assert.equal(lines.count.count, 0);
  });

  test("are looked for piece by piece where a search has a limit, and each attempt goes on", async () => {
    const far = "hay\n".repeat(400_000);
    const path = new Path(`${far}needle\n${far}`, "needle", 1_000_000);
    const hits = new Hits(path);
    assert.equal(await hits.search(), false);
    const hit = { offset: far.length, line: far.length };
    assert.deepEqual(await hits.after(0), hit);
    // Over the end, to the first one again.
    assert.deepEqual(await attempts(() => hits.after(far.length + 1)), [undefined, hit]);
    const back = new Hits(path);
    const found = await attempts(() => back.before(path.text.length));
    assert.deepEqual(found.at(-1), hit);
    assert.ok(found.length > 1 && found.slice(0, -1).every((hit) => hit === undefined));
  });

  test("are none after a search that was cancelled", async () => {
    const path = new Path("needle\n".repeat(20_000), "needle");
    const hits = new Hits(path);
    await hits.search();
    path.isCancelled = true;
    assert.equal(await hits.search(), false);
    assert.equal(await hits.after(path.text.length - 7), undefined);
    assert.equal(await hits.before(path.text.length), undefined);
  });

  test("are shown without a gap around the one of the reader", async () => {
    const text = "needle\n".repeat(30_000);
    const hits = new Hits(new Path(text, "needle"));
    await hits.search();
    assert.equal(hits.around(undefined).length, MAX_HITS);
    const hit = await hits.after(25_000 * 7);
    assert.equal(hits.around(hit)[0]?.offset, 25_000 * 7);
    assert.ok(hits.around(hit).every(({ offset }, at) => offset === (25_000 + at) * 7));
    assert.equal(hits.all.length, MAX_HITS + hits.around(hit).length);
  });
});

/** Repeats until there is a hit. */
async function attempts(step: () => Promise<Hit | undefined>): Promise<(Hit | undefined)[]> {
  const found: (Hit | undefined)[] = [];
  while (found.at(-1) === undefined && found.length < 20) found.push(await step());
  return found;
}

/** The first hit from an offset on; after the last one, the first of all. */
function firstFrom(all: readonly Hit[], from: number): Hit | undefined {
  return all.find(({ offset }) => offset >= from) ?? all[0];
}

/** The last hit before an offset; before the first one, the last of all. */
function lastBefore(all: readonly Hit[], before: number): Hit | undefined {
  return all.findLast(({ offset }) => offset < before) ?? all.at(-1);
}

/** Goes to a hit, and checks that it is the right one. */
async function stepFrom(hits: Hits, isForward: boolean, at: number, all: readonly Hit[]): Promise<Hit | undefined> {
  const hit = await (isForward ? hits.after(at) : hits.before(at));
  assert.deepEqual(hit, isForward ? firstFrom(all, at) : lastBefore(all, at));
  if (hit) assertPlace(hits, hit, all);
  return hit;
}

/** Checks the number of a hit, if it is known, and which hit of its line it is. */
function assertPlace(hits: Hits, hit: Hit, all: readonly Hit[]): void {
  const number = hits.numberOf(hit);
  if (number === undefined) return;
  assert.equal(number, all.findIndex(({ offset }) => offset === hit.offset) + 1);
  const earlier = all.filter(({ line, offset }) => line === hit.line && offset < hit.offset);
  if (number < 1_000) assert.equal(hits.inLine(hit), earlier.length);
}

function lineOf(text: string, offset: number): number {
  return text.lastIndexOf("\n", offset - 1) + 1;
}

/** Hits from an offset on, without overlaps. */
function hitsIn(text: string, wanted: string, from = 0): Hit[] {
  const hits: Hit[] = [];
  let line = lineOf(text, from);
  for (let at = text.indexOf(wanted, from); at !== -1; at = text.indexOf(wanted, at + wanted.length)) {
    const end = text.lastIndexOf("\n", at);
    if (end + 1 > line) line = end + 1;
    hits.push({ offset: at, line });
  }
  return hits;
}
