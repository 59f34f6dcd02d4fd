/** Finding the record with a byte, whatever the layout of the records is. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { KnownPlaces } from "../../src/stores/jetstream/reads/known-places.ts";
import { findRecord, has, type Probe } from "../../src/stores/jetstream/reads/search.ts";

/** The most looks that a search may take. */
const MAX_LOOKS = 20;

/** Records with gaps before them, and with sizes. */
function layout(count: number, gapOf: (at: number) => number, sizeOf: (at: number) => number): Probe[] {
  const records: Probe[] = [{ seq: 1, offset: 0, end: 0 }];
  let seq = 1;
  let end = 0;
  for (let at = 0; at < count; at++) {
    seq += gapOf(at);
    const size = sizeOf(at);
    records.push({ seq, offset: end, end: end + size });
    end += size;
  }
  return records;
}

/** Finds a byte; returns what was found, and how many looks it took. */
async function find(records: readonly Probe[], byte: number): Promise<{ found: Probe | undefined; looks: number }> {
  const [low] = records;
  const last = records[records.length - 1];
  assert.ok(low && last);
  let looks = 0;
  const found = await findRecord(byte, { low, high: { seq: last.seq + 1, offset: last.end } }, async (seq) => {
    looks++;
    let [from, to] = [0, records.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((records[middle]?.seq ?? 0) < seq) from = middle + 1;
      else to = middle;
    }
    return records[from];
  });
  return { found, looks };
}

/** The part of one path in a stream of 33,300 messages: 150 records, as 220 paths share it. */
const SMALL: Readonly<Record<string, readonly Probe[]>> = {
  even: layout(
    150,
    () => 220,
    () => 1_000,
  ),
  "bursts far apart": layout(
    150,
    (at) => (at % 50 === 0 ? 11_000 : 1),
    () => 1_000,
  ),
  "small, then large": layout(
    150,
    (at) => (at < 100 ? 3 : 600),
    (at) => (at < 100 ? 10 : 250_000),
  ),
};

/** Layouts with up to 200 million messages. */
const LARGE: Readonly<Record<string, readonly Probe[]>> = {
  even: layout(
    30_000,
    () => 220,
    () => 1_000,
  ),
  "bursts far apart": layout(
    30_000,
    (at) => (at % 1_000 === 0 ? 1_000_000 : 1),
    () => 1_000,
  ),
  "small, then large": layout(
    30_000,
    (at) => (at < 20_000 ? 3 : 200),
    (at) => (at < 20_000 ? 10 : 250_000),
  ),
  "large, then small": layout(
    30_000,
    () => 7,
    (at) => (at < 200 ? 250_000 : 3),
  ),
  "growing gaps": layout(
    20_000,
    (at) => 1 + Math.floor(at ** 1.5 / 100),
    () => 512,
  ),
  "many empty records": layout(
    20_000,
    () => 5,
    (at) => (at % 7 === 0 ? 900 : 0),
  ),
};

/** The most looks that a search for any of some bytes takes, and how many it takes on average. */
async function looksIn(records: readonly Probe[]): Promise<{ most: number; mean: number }> {
  const size = records[records.length - 1]?.end ?? 0;
  let [most, sum] = [0, 0];
  for (let count = 0; count < 200; count++) {
    const byte = Math.floor((count / 200) * size);
    const { found, looks } = await find(records, byte);
    assert.ok(found && has(found, byte), `byte ${byte}`);
    most = Math.max(most, looks);
    sum += looks;
  }
  return { most, mean: sum / 200 };
}

describe("the search", () => {
  for (const [name, records] of Object.entries(SMALL)) {
    it(`takes at most ${MAX_LOOKS} looks: ${name}`, async () => {
      assert.ok((await looksIn(records)).most <= MAX_LOOKS);
    });
  }

  for (const [name, records] of Object.entries(LARGE)) {
    it(`takes at most two looks more than bisection, and mostly fewer: ${name}`, async () => {
      const bisections = Math.log2(records[records.length - 1]?.seq ?? 1);
      const { most, mean } = await looksIn(records);
      assert.ok(most <= bisections + 2, `${most} looks, not ${bisections}`);
      assert.ok(mean < bisections * 0.75, `${mean} looks on average, not ${bisections}`);
    });
  }

  it("finds every byte of every layout", async () => {
    const records = fc.array(fc.record({ gap: fc.integer({ min: 1, max: 50 }), size: fc.nat({ max: 20 }) }), {
      minLength: 1,
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(records, async (parts) => {
        const all = layout(
          parts.length,
          (at) => parts[at]?.gap ?? 1,
          (at) => parts[at]?.size ?? 0,
        );
        const size = all[all.length - 1]?.end ?? 0;
        for (let byte = 0; byte < size; byte++) {
          const { found } = await find(all, byte);
          assert.ok(found && has(found, byte), `byte ${byte} of ${size}`);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("begins between the nearest records that are known", () => {
    const known = new KnownPlaces("g");
    for (let at = 0; at < 200; at++) known.add({ seq: at * 3 + 1, offset: at * 10, end: at * 10 + 10 });
    known.add({ seq: 7, offset: 20, end: 20 });
    const [below, above] = [known.below(1_995), known.above(0)];
    assert.deepEqual(below, { seq: 598, offset: 1_990, end: 2_000 }, "the one that was added last");
    assert.ok(above && above.offset > 0 && above.offset % 10 === 0);
    assert.equal(known.below(-1), undefined);
    assert.equal(known.above(5_000), undefined);
  });

  it("ends where there is no such byte", async () => {
    assert.equal(
      (
        await find(
          layout(
            100,
            () => 3,
            () => 10,
          ),
          1_000,
        )
      ).found,
      undefined,
    );
  });
});
