/** Which records of a path count: those that continue the chain. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Chain, Gap, isNext, pointAfter, START } from "../../src/stores/jetstream/records/chain.ts";
import type { PathRecord } from "../../src/stores/jetstream/records/record.ts";

function record(seq: number, own: Partial<PathRecord>): PathRecord {
  return {
    ...{ type: "d", offset: 0, predecessor: 0, claim: 1, node: "a", id: String(seq), generation: "g", first: 1 },
    ...{ modifiedMs: 0, seq, payloadBytes: 0, ...own },
  };
}

const OPEN = record(1, { type: "o", first: 0, claim: 0 });
const FIRST = record(2, { predecessor: 1, payloadBytes: 10 });

function validOf(records: readonly PathRecord[]): number[] {
  const chain = new Chain(START);
  return records.filter((each) => chain.take(each)).map(({ seq }) => seq);
}

describe("the chain of a path", () => {
  it("has each record that names its predecessor, and begins where that one ends", () => {
    const next = record(5, { predecessor: 2, offset: 10, payloadBytes: 3 });
    const closed = record(7, { type: "c", predecessor: 5, offset: 13 });
    const again = record(9, { type: "o", predecessor: 7, offset: 13, claim: 0 });
    const other = record(10, { predecessor: 9, offset: 13, claim: 9, payloadBytes: 1 });
    assert.deepEqual(validOf([OPEN, FIRST, next, closed, again, other]), [1, 2, 5, 7, 9, 10]);
  });

  it("lacks a claim that was stored behind a record that its writer had not seen", () => {
    const stale = record(3, { type: "o", predecessor: 1, offset: 0, claim: 0, node: "b" });
    const afterStale = record(4, { predecessor: 3, claim: 3, node: "b", payloadBytes: 5 });
    const rightful = record(5, { predecessor: 2, offset: 10, payloadBytes: 1 });
    assert.deepEqual(validOf([OPEN, FIRST, stale, afterStale, rightful]), [1, 2, 5]);
  });

  it("has the first of two records with the same predecessor", () => {
    const twice = record(3, { predecessor: 1, payloadBytes: 10 });
    assert.deepEqual(validOf([OPEN, FIRST, twice]), [1, 2]);
  });

  it("lacks what a former claim writes", () => {
    const taken = record(3, { type: "o", predecessor: 2, offset: 10, claim: 0, node: "b" });
    const late = record(4, { predecessor: 3, offset: 10, claim: 1, payloadBytes: 1 });
    const right = record(5, { predecessor: 3, offset: 10, claim: 3, node: "b", payloadBytes: 1 });
    assert.deepEqual(validOf([OPEN, FIRST, taken, late, right]), [1, 2, 3, 5]);
  });

  it("lacks a record at another offset", () => {
    const gap = record(3, { predecessor: 2, offset: 11 });
    const overlap = record(4, { predecessor: 2, offset: 9 });
    assert.deepEqual(validOf([OPEN, FIRST, gap, overlap]), [1, 2]);
  });

  it("begins anew behind a tombstone, with another generation", () => {
    const removed = record(3, { type: "x", predecessor: 2, offset: 10 });
    const zombie = record(4, { predecessor: 3, offset: 10, payloadBytes: 1 });
    const created = record(5, { type: "o", predecessor: 3, first: 0, claim: 0, generation: "h" });
    const data = record(6, { predecessor: 5, first: 5, claim: 5, generation: "h", payloadBytes: 2 });
    assert.deepEqual(validOf([OPEN, FIRST, removed, zombie, created, data]), [1, 2, 3, 5, 6]);
  });

  it("begins anew in place of a content that was never completed", () => {
    const created = record(3, { type: "o", predecessor: 2, first: 0, claim: 0, generation: "h" });
    assert.equal(isNext(pointAfter(FIRST), created), true);
    const same = record(3, { type: "o", predecessor: 2, first: 0, claim: 0 });
    assert.equal(isNext(pointAfter(FIRST), same), false, "the same generation does not begin twice");
  });

  it("has folders, which become permanent, and are removed", () => {
    const folder = { type: "f", generation: "", first: 0, claim: 0 } as const;
    const provisional = record(1, { ...folder, isProvisional: true });
    const permanent = record(2, { ...folder, predecessor: 1 });
    const removed = record(3, { ...folder, type: "x", predecessor: 1 });
    assert.deepEqual(validOf([provisional, permanent, removed]), [1, 2]);
    assert.deepEqual(validOf([provisional, removed]), [1, 3]);
    const file = record(4, { type: "o", predecessor: 3, first: 0, claim: 0 });
    assert.deepEqual(validOf([provisional, removed, file]), [1, 3, 4]);
  });
});

describe("records behind the last one that was seen, which do not continue it", () => {
  it("are void if they continue an earlier one, or each other", () => {
    const gap = new Gap(10);
    assert.equal(gap.isBefore(record(11, { type: "o", predecessor: 8, claim: 0 })), false);
    assert.equal(gap.isBefore(record(12, { predecessor: 11, claim: 11 })), false);
  });

  it("come after a removal if they continue one that is not there", () => {
    assert.equal(new Gap(10).isBefore(record(12, { type: "x", predecessor: 11 })), true);
    assert.equal(new Gap(10).isBefore(record(20, { type: "o", first: 0, predecessor: 0, claim: 0 })), true);
  });

  it("are void before the first record", () => {
    assert.equal(new Gap(0).isBefore(record(2, { type: "o", first: 0, predecessor: 0, claim: 0 })), false);
  });
});
