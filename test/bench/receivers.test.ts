/**
 * The benchmark's followers detect lost, duplicated and wrong bytes.
 */
import assert from "node:assert/strict";
import { createHistogram } from "node:perf_hooks";
import { describe, test } from "node:test";
import {
  cycle,
  cycleReceiver,
  firstReceiver,
  nowNs,
  type Receiver,
  stampedReceiver,
  writeRecord,
} from "../../scripts/bench/generator/records.ts";

const RECORD_BYTES = 100;

/** Whole records with a timestamp, like those of paced appends. */
function stamped(count: number, stampNs = nowNs()): Buffer {
  const made = Buffer.alloc(count * RECORD_BYTES);
  for (let record = 0; record < count; record++)
    writeRecord(made, record * RECORD_BYTES, RECORD_BYTES, record, stampNs);
  return made;
}

/** Passes bytes in pieces of a size, each in the middle of a larger buffer. */
function give(receiver: Receiver, bytes: Buffer, pieceBytes: number): Receiver {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    const memory = Buffer.concat([Buffer.alloc(7), piece, Buffer.alloc(7)]);
    receiver.feed(memory, 7, 7 + piece.length);
  }
  return receiver;
}

const MAKERS: Record<string, () => Receiver> = {
  sampling: () => cycleReceiver(RECORD_BYTES, false),
  exact: () => cycleReceiver(RECORD_BYTES, true),
  stamped: () => stampedReceiver(RECORD_BYTES, createHistogram()),
};

for (const [name, make] of Object.entries(MAKERS)) {
  describe(`the ${name} receiver`, () => {
    const whole = name === "stamped" ? stamped(1000) : cycle(RECORD_BYTES).subarray(0, 100_000);

    for (const pieceBytes of [33, 100, 150, 4096, 100_000]) {
      test(`accepts the appended bytes, in pieces of ${pieceBytes} bytes`, () => {
        const receiver = give(make(), whole, pieceBytes);
        assert.deepEqual([receiver.received, receiver.wrong], [whole.length, false]);
      });

      // A sampling receiver takes one sample per piece, so it can't detect errors inside a piece.
      if (name === "sampling" && pieceBytes === whole.length) continue;

      test(`detects a missing record, in pieces of ${pieceBytes} bytes`, () => {
        // The length stays the same: a shorter append would be detected by its length.
        const lost = [whole.subarray(0, 30_000), whole.subarray(30_100), whole.subarray(0, 100)];
        assert.equal(give(make(), Buffer.concat(lost), pieceBytes).wrong, true);
      });

      test(`detects a duplicated record, in pieces of ${pieceBytes} bytes`, () => {
        const twice = [whole.subarray(0, 30_000), whole.subarray(29_900, 99_900)];
        assert.equal(give(make(), Buffer.concat(twice), pieceBytes).wrong, true);
      });
    }
  });
}

test("the exact receiver detects a single wrong byte", () => {
  const bytes = Buffer.from(cycle(RECORD_BYTES).subarray(0, 100_000));
  bytes[51_234] = (bytes[51_234] as number) ^ 1;
  assert.equal(give(cycleReceiver(RECORD_BYTES, true), bytes, 999).wrong, true);
});

test("the exact receiver compares beyond the end of the cycle", () => {
  const whole = cycle(RECORD_BYTES);
  const bytes = Buffer.concat([whole, whole.subarray(0, 1000)]);
  assert.equal(give(cycleReceiver(RECORD_BYTES, true), bytes, 64_000).wrong, false);
  bytes[bytes.length - 1] = 0;
  assert.equal(give(cycleReceiver(RECORD_BYTES, true), bytes, 64_000).wrong, true);
});

test("a stamped receiver measures the ages of records", () => {
  const ages = createHistogram();
  const receiver = stampedReceiver(RECORD_BYTES, ages);
  give(receiver, stamped(1000, nowNs() - 1e9), 150);
  assert.equal(ages.count, 1000);
  assert.ok(ages.min >= 1e9 * 0.999);
});

test("the first data of a follower that joins must begin with a new record", () => {
  assert.equal(give(firstReceiver(), stamped(1), RECORD_BYTES).wrong, false);
  assert.equal(give(firstReceiver(), stamped(1, nowNs() - 2e9), RECORD_BYTES).wrong, true);
  assert.equal(give(firstReceiver(), stamped(1).subarray(50), RECORD_BYTES).wrong, true);
});
