/** Sorting any number of names by their UTF-8 bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareNames, SortedNames } from "../../src/engine/storage/name-order.ts";

/** Pieces of names on both sides of the boundaries at which UTF-16 and UTF-8 may sort differently. */
const PIECES = [
  "",
  "a",
  "b",
  "~",
  "\u007f",
  "\u00e9",
  "\ud7ff",
  "\ue000",
  "\ufb01",
  "\uffff",
  "\u{10000}",
  "\u{103ff}",
  "\u{1f701}",
];

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

test("two names compare as their bytes do", () => {
  const names = PIECES.flatMap((one) => PIECES.map((other) => one + other));
  for (const one of names) {
    for (const other of names) {
      if (Math.sign(compareNames(one, other)) !== byBytes(one, other)) assert.fail(JSON.stringify([one, other]));
    }
  }
});

test("any number of names comes out sorted, whatever their input order", () => {
  for (const count of [0, 1, 2, 4095, 4096, 4097, 30_000]) {
    const names = Array.from({ length: count }, (_, at) => {
      const number = (at * 7919) % count;
      return `${PIECES[number % PIECES.length]}${number}`;
    });
    const sorted = new SortedNames();
    for (const name of names) sorted.add(name);
    const taken: string[] = [];
    for (let name = sorted.take(); name !== undefined; name = sorted.take()) taken.push(name);
    const expected = names.map((name) => Buffer.from(name)).sort(Buffer.compare);
    assert.deepEqual(taken, expected.map(String), String(count));
  }
});

test("names that come in the opposite order come out sorted, too", () => {
  const count = 20_000;
  const sorted = new SortedNames();
  for (let number = count - 1; number >= 0; number--) sorted.add(String(number).padStart(6, "0"));
  for (let number = 0; number < count; number++) {
    if (Number(sorted.take()) !== number) assert.fail(`${number} is missing`);
  }
  assert.equal(sorted.take(), undefined);
});
