import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Retained } from "../../src/client/append/retained.ts";

const BLOCK = 64 * 1024;

describe("bytes that are not acknowledged", () => {
  it("are retained, whatever was added and acknowledged in between", () => {
    const SIZE = fc.oneof(fc.nat(40), fc.nat(3 * BLOCK), fc.constantFrom(BLOCK - 1, BLOCK, BLOCK + 1));
    const STEP = fc.oneof(
      SIZE.map((push) => ({ push })),
      fc.double({ min: 0, max: 1, noNaN: true }).map((ack) => ({ ack })),
    );
    fc.assert(
      fc.property(fc.nat(1000), fc.array(STEP, { maxLength: 20 }), (first, steps) => {
        const retained = new Retained(first);
        let end = first;
        const valueAt = (offset: number): number => (offset * 31 + (offset >> 8)) & 255;
        for (const step of steps) {
          if ("push" in step) {
            const bytes = Uint8Array.from({ length: step.push }, (_, at) => valueAt(end + at));
            retained.push(bytes);
            bytes.fill(0);
            end += step.push;
          } else {
            retained.ack(retained.acked + Math.floor(retained.length * step.ack));
          }
          assert.equal(retained.end, end);
          for (let at = retained.acked; at < end; ) {
            const piece = retained.slice(at, 50_000);
            assert.ok(piece.length > 0 && piece.length <= 50_000);
            const wrong = piece.findIndex((value, index) => value !== valueAt(at + index));
            assert.equal(wrong, -1);
            at += piece.length;
          }
          assert.equal(retained.slice(end, 10).length, 0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("are not modified after they were returned", () => {
    const retained = new Retained(0);
    retained.push(Buffer.from("abc"));
    const piece = retained.slice(0, 10);
    retained.push(Buffer.from("def"));
    retained.ack(3);
    retained.push(new Uint8Array(2 * BLOCK));
    assert.equal(Buffer.from(piece).toString(), "abc");
    assert.equal(Buffer.from(retained.slice(3, 3)).toString(), "def");
  });
});
