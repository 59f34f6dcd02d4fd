/** The format of a journal segment: what is written is read, and what is torn ends it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { OwnerRecord } from "../../src/stores/file/claims/owner.ts";
import {
  decodeSegment,
  encodeOwner,
  encodeRecord,
  type FileIdentity,
  type JournalRecord,
} from "../../src/stores/file/journal/record.ts";
import { ALL_BYTES, randomBytes } from "../fixture/bytes.ts";

const OWNER: OwnerRecord = { id: "left", pid: 7, started: "8", scope: "host boot pid:[1]" };
const FILE: FileIdentity = { name: "deep/\n\u{1f701}.bin", inode: 12, bornMs: 1_700_000_000_000.25 };

/** A record with the given bytes. */
function record(bytes: Uint8Array, changes: Partial<JournalRecord> = {}): JournalRecord {
  return { file: FILE, offset: 5, bytes, keptMs: 9, ...changes };
}

function segmentOf(...records: readonly JournalRecord[]): Buffer {
  return Buffer.concat([encodeOwner(OWNER), ...records.flatMap(encodeRecord)]);
}

/** A record of a place that `encodeRecord` would not write, with a digest that is right. */
function forged(place: unknown, bytes = ""): Buffer {
  const line = JSON.stringify(place);
  return Buffer.from(`${createHash("sha256").update(line).update(bytes).digest("hex")} ${line}\n${bytes}`);
}

/** The bytes of the records that are read from a segment, as text. */
function found(segment: Uint8Array): string[] | undefined {
  return decodeSegment(segment)?.records.map(({ bytes }) => Buffer.from(bytes).toString("latin1"));
}

test("a segment is read as it was written", () => {
  const records = [
    record(ALL_BYTES),
    record(Buffer.alloc(0)),
    record(Buffer.from("\n\n"), { offset: 0, keptMs: 0, file: { name: "", inode: 0, bornMs: 0 } }),
    record(randomBytes(5_000, 1), { offset: Number.MAX_SAFE_INTEGER }),
    record(Buffer.from("x"), { note: '"a note"\n' }),
  ];
  const content = decodeSegment(segmentOf(...records));
  assert.deepEqual(content?.owner, OWNER);
  assert.deepEqual(
    content?.records.map(({ bytes, ...place }) => ({ ...place, bytes: Buffer.from(bytes) })),
    records,
  );
  assert.deepEqual(decodeSegment(segmentOf()), { owner: OWNER, records: [] });
});

test("wherever a segment is cut, the whole records before the cut are read", () => {
  const records = [record(Buffer.from("first")), record(Buffer.alloc(0)), record(Buffer.from("\nlast\n"))];
  const whole = segmentOf(...records);
  const ends = records.map((_, at) => segmentOf(...records.slice(0, at + 1)).length);
  const ownerEnd = segmentOf().length;
  for (let length = 0; length <= whole.length; length++) {
    const count = ends.filter((end) => end <= length).length;
    const expected = length < ownerEnd ? undefined : count;
    assert.equal(found(whole.subarray(0, length))?.length, expected, `cut at ${length}`);
  }
});

test("a changed byte ends the segment before its record", () => {
  const first = segmentOf(record(Buffer.from("first"))).length;
  const whole = segmentOf(record(Buffer.from("first")), record(Buffer.from("second")), record(Buffer.from("third")));
  const second = segmentOf(record(Buffer.from("first")), record(Buffer.from("second"))).length;
  for (let at = first; at < second; at++) {
    // The byte between digest and place is never read.
    if (at === first + 64) continue;
    const changed = Buffer.from(whole);
    changed.writeUInt8(changed.readUInt8(at) ^ 0x01, at);
    assert.deepEqual(found(changed), ["first"], `changed at ${at}`);
  }
});

test("without an owner in its first line, a segment is none", () => {
  const records = encodeRecord(record(Buffer.from("x")));
  for (const line of ["", "{}", "null", "7", '{"id":"left"}', "garbage"]) {
    assert.equal(decodeSegment(Buffer.concat([Buffer.from(`${line}\n`), ...records])), undefined, line);
  }
  // The line lacks its end, and has another byte there.
  assert.equal(decodeSegment(Buffer.from(`${JSON.stringify(OWNER)} `)), undefined);
  assert.equal(decodeSegment(Buffer.from(`${JSON.stringify(OWNER)}`)), undefined);
});

test("a record whose line lacks its end is torn, even an empty one", () => {
  const whole = segmentOf(record(Buffer.alloc(0)));
  assert.deepEqual(found(whole), [""]);
  whole.write("x", whole.length - 1);
  assert.deepEqual(found(whole), []);
});

test("a record whose place is no place ends the segment", () => {
  const place = { ...FILE, offset: 5, length: 1, keptMs: 9 };
  const wrong: Record<string, unknown> = {
    null: null,
    number: 7,
    text: "text",
    empty: {},
    "no name": { ...place, name: undefined },
    "a number as name": { ...place, name: 7 },
    "a number as note": { ...place, note: 7 },
  };
  for (const name of ["inode", "bornMs", "offset", "length", "keptMs"]) {
    wrong[`no ${name}`] = { ...place, [name]: undefined };
    wrong[`a negative ${name}`] = { ...place, [name]: -1 };
  }
  const after = encodeRecord(record(Buffer.from("after")));
  for (const [what, value] of Object.entries(wrong)) {
    assert.deepEqual(found(Buffer.concat([encodeOwner(OWNER), forged(value, "x"), ...after])), [], what);
  }
  assert.deepEqual(found(Buffer.concat([encodeOwner(OWNER), forged(place, "x"), ...after])), ["x", "after"]);
});
