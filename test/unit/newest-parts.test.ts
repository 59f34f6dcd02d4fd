/** Where records overlap, the latest one counts: compared with a plain array of bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newestParts } from "../../src/stores/file/journal/newest-parts.ts";

const SIZE = 60;
const SCHEDULES = 2_000;

test("each byte is returned once, from the last record that covers it", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
  for (let schedule = 0; schedule < SCHEDULES; schedule++) {
    const expected: (number | undefined)[] = Array(SIZE).fill(undefined);
    const records = Array.from({ length: random(8) }, (_, value) => {
      const offset = random(SIZE);
      const bytes = new Uint8Array(random(SIZE - offset + 1)).fill(value);
      expected.fill(value, offset, offset + bytes.length);
      return { offset, bytes };
    });
    const found: (number | undefined)[] = Array(SIZE).fill(undefined);
    let last = 0;
    for (const { offset, bytes } of newestParts(records)) {
      assert.ok(offset >= last, `seed ${seed}: out of order`);
      for (const [at, byte] of bytes.entries()) found[offset + at] = byte;
      last = offset + bytes.length;
    }
    assert.deepEqual(found, expected, `seed ${seed}, schedule ${schedule}`);
  }
});

test("however many records follow each other, in either direction, each is compared with few others", () => {
  const ascending = Array.from({ length: 60_000 }, (_, offset) => ({ offset, bytes: Uint8Array.of(offset & 0xff) }));
  // If each were compared with all others, this would take minutes.
  for (const records of [ascending, ascending.toReversed()]) {
    const parts = newestParts(records);
    assert.equal(parts.length, records.length);
    assert.ok(parts.every(({ offset, bytes }, at) => offset === at && bytes[0] === (at & 0xff)));
  }
});

test("a record without bytes cuts no other one", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assert.deepEqual(
    newestParts([
      { offset: 0, bytes },
      { offset: 1, bytes: new Uint8Array(0) },
    ]),
    [{ offset: 0, bytes }],
  );
});
