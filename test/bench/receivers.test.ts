/**
 * The benchmark's followers notice what is lost, comes twice or is wrong.
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

/** Whole records with the moment of their making, as paced appends have them. */
function stamped(count: number): Buffer {
  const made = Buffer.alloc(count * SPEC.bytes);
  for (let record = 0; record < count; record++) writeRecord(made, record * SPEC.bytes, SPEC, record, 1);
  return made;
}

/** Gives bytes in pieces of a size, as they lie in the middle of other memory. */
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
  describe(`a receiver that is ${name}`, () => {
    const whole = name === "stamped" ? stamped(1000) : cycle(SPEC).subarray(0, 100_000);

    for (const pieceBytes of [33, 100, 150, 4096, 100_000]) {
      test(`takes what was appended, in pieces of ${pieceBytes} bytes`, () => {
        const receiver = give(make(), whole, pieceBytes);
        assert.deepEqual([receiver.received, receiver.wrong], [whole.length, false]);
      });

      // Who looks at one number a piece can't see what is inside of it.
      if (name === "numbered" && pieceBytes === whole.length) continue;

      test(`notices a record that is not there, in pieces of ${pieceBytes} bytes`, () => {
        // As many bytes as were to come: a shorter append is known by its length.
        const lost = [whole.subarray(0, 30_000), whole.subarray(30_100), whole.subarray(0, 100)];
        assert.equal(give(make(), Buffer.concat(lost), pieceBytes).wrong, true);
      });

      test(`notices a record that came twice, in pieces of ${pieceBytes} bytes`, () => {
        const twice = [whole.subarray(0, 30_000), whole.subarray(29_900, 99_900)];
        assert.equal(give(make(), Buffer.concat(twice), pieceBytes).wrong, true);
      });
    }
  });
}

test("a receiver that is exact notices a single wrong byte", () => {
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
