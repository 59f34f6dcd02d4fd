/**
 * The benchmark's followers detect lost, duplicated and wrong bytes.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Histogram } from "../../scripts/bench/generator/histogram.ts";
import {
  ExactReceiver,
  NumberedReceiver,
  type Receiver,
  StampedReceiver,
} from "../../scripts/bench/generator/receivers.ts";
import { cycle, writeRecord } from "../../scripts/bench/generator/records.ts";

const SPEC = { bytes: 100 };

/** Whole records with the time of their creation, like those of paced appends. */
function stamped(count: number): Buffer {
  const made = Buffer.alloc(count * SPEC.bytes);
  for (let record = 0; record < count; record++) writeRecord(made, record * SPEC.bytes, SPEC, record, 1);
  return made;
}

/** Passes bytes in pieces of a size, each in the middle of a larger buffer. */
function give(receiver: Receiver, bytes: Buffer, pieceBytes: number): Receiver {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const piece = bytes.subarray(at, at + pieceBytes);
    const memory = Buffer.concat([Buffer.alloc(7), piece, Buffer.alloc(7)]);
    receiver.take(memory, 7, 7 + piece.length);
  }
  return receiver;
}

const MAKERS: Record<string, () => Receiver> = {
  numbered: () => new NumberedReceiver(SPEC),
  exact: () => new ExactReceiver(SPEC),
  stamped: () => new StampedReceiver(SPEC, new Histogram()),
};

for (const [name, make] of Object.entries(MAKERS)) {
  describe(`the ${name} receiver`, () => {
    const whole = name === "stamped" ? stamped(1000) : cycle(SPEC).subarray(0, 100_000);

    for (const pieceBytes of [33, 100, 150, 4096, 100_000]) {
      test(`accepts the appended bytes, in pieces of ${pieceBytes} bytes`, () => {
        const receiver = give(make(), whole, pieceBytes);
        assert.deepEqual([receiver.received, receiver.wrong], [whole.length, false]);
      });

      // A numbered receiver checks one number per piece, so it can't detect errors inside a piece.
      if (name === "numbered" && pieceBytes === whole.length) continue;

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
  const bytes = Buffer.from(cycle(SPEC).subarray(0, 100_000));
  bytes[51_234] = (bytes[51_234] as number) ^ 1;
  assert.equal(give(new ExactReceiver(SPEC), bytes, 999).wrong, true);
});

test("a histogram finds percentiles within two per cent", () => {
  const histogram = new Histogram();
  for (let ms = 1; ms <= 1000; ms++) histogram.add(ms * 1e6);
  for (const share of [0.5, 0.99, 0.999]) {
    const found = histogram.percentileMs(share);
    assert.ok(Math.abs(found - share * 1000) <= share * 20, `${share}: ${found}`);
  }
  const sum = new Histogram();
  sum.addAll(histogram.pack());
  assert.equal(sum.percentileMs(0.5), histogram.percentileMs(0.5));
  assert.equal(sum.total, 1000);
  assert.ok(Number.isNaN(new Histogram().percentileMs(0.5)));
});
