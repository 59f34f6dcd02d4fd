import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { BATCH_BYTES, MESSAGE_BYTES } from "../../src/client/connection/limits.ts";
import { type Batches, ByteBatches, JsonBatches } from "../../src/client/durable/batches.ts";
import { JsonLines } from "../../src/client/durable/json-lines.ts";
import { formatPlace, parsePlace } from "../../src/client/durable/place.ts";
import { randomBytes } from "../fixture/bytes.ts";

/** Cuts bytes at some places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function takeAll(batches: Batches): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  for (let batch = batches.take(true); batch; batch = batches.take(true)) bodies.push(batch.body);
  return bodies;
}

const cuts = fc.array(fc.nat(), { maxLength: 8 });

describe("the lines of an array", () => {
  it("are its elements, however the bytes arrive and are indented", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 6 }), fc.nat({ max: 4 }), cuts, (values, indent, places) => {
        const lines = new JsonLines();
        const bytes = Buffer.from(` ${JSON.stringify(values, null, indent)}\n`);
        const text = Buffer.concat(cut(bytes, places).map((piece) => lines.push(piece))).toString();
        assert.equal(text, values.map((value) => `${JSON.stringify(value)}\n`).join(""));
        assert.equal(lines.isComplete, true);
      }),
    );
  });

  it("keep the text of numbers, of doubled keys and of escapes", () => {
    const lines = new JsonLines();
    const text = '[1.0, 18446744073709551616 , {"a":1,"a": 2}, "\\u0041\\\\", "\\"],["]';
    assert.equal(
      Buffer.from(lines.push(Buffer.from(text))).toString(),
      '1.0\n18446744073709551616\n{"a":1,"a":2}\n"\\u0041\\\\"\n"\\"],["\n',
    );
  });

  it("are not complete before the last bracket", () => {
    for (const part of ["", "[", '[{"a":[]}', '["]']) {
      const lines = new JsonLines();
      lines.push(Buffer.from(part));
      assert.equal(lines.isComplete, false, part);
    }
  });
});

describe("the batches of an append", () => {
  it("have all bytes in order, and none has too many", () => {
    const bytes = randomBytes(3 * BATCH_BYTES + 17, 4);
    fc.assert(
      fc.property(cuts, (places) => {
        const batches = new ByteBatches();
        for (const piece of cut(bytes, places)) batches.push(piece);
        assert.equal(batches.length, bytes.length);
        const bodies = takeAll(batches);
        assert.ok(bodies.every(({ length }) => length > 0 && length <= BATCH_BYTES));
        assert.ok(Buffer.concat(bodies).equals(bytes));
        assert.equal(batches.length, 0);
      }),
      { numRuns: 30 },
    );
  });

  it("are copies: the caller may reuse its buffer", () => {
    for (const batches of [new ByteBatches(), new JsonBatches("a")]) {
      const buffer = Buffer.from("12");
      batches.push(buffer);
      buffer.fill("x");
      assert.match(Buffer.concat(takeAll(batches)).toString(), /^\[?12\]?$/);
    }
  });

  it("have one message per line, each of them once", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 6 }), cuts, (values, places) => {
        const batches = new JsonBatches("a");
        const bytes = Buffer.from(values.map((value) => ` ${JSON.stringify(value)}\r\n\n`).join(""));
        for (const piece of cut(bytes, places)) batches.push(piece);
        const bodies = takeAll(batches).map((body) => JSON.parse(Buffer.from(body).toString()) as unknown[]);
        assert.deepEqual(JSON.stringify(bodies.flat()), JSON.stringify(values));
        assert.equal(batches.length, 0);
      }),
    );
  });

  it("hold a line back until it is complete", () => {
    const batches = new JsonBatches("a");
    batches.push(Buffer.from("12"));
    assert.equal(batches.take(false), undefined);
    batches.push(Buffer.from("3\n45"));
    assert.equal(Buffer.from(batches.take(false)?.body ?? "").toString(), "[123\n]");
    assert.equal(batches.take(false), undefined);
    assert.equal(Buffer.from(batches.take(true)?.body ?? "").toString(), "[45]");
  });

  it("refuse lines that are not JSON, not UTF-8 or too long, and name them", () => {
    for (const line of ["1, 2", "nope", "{", Buffer.from([0x22, 0xff, 0x22])]) {
      const batches = new JsonBatches("a");
      batches.push(Buffer.from("1\n"));
      assert.throws(() => batches.push(Buffer.concat([Buffer.from(line as string), Buffer.from("\n")])), {
        code: "not_json",
        message: /^Line 2 of the source is not JSON/,
      });
    }
    const batches = new JsonBatches("a");
    batches.push(new Uint8Array(MESSAGE_BYTES).fill(0x20));
    assert.throws(() => batches.push(Uint8Array.of(0x20)), { code: "too_large", message: /^Line 1 / });
  });
});

describe("the position of a follow", () => {
  it("is a number of bytes behind a token", () => {
    for (const place of [
      { token: "-1", skip: 0 },
      { token: "0000_0042", skip: 7 },
      { token: "5@x", skip: 3 },
    ]) {
      assert.deepEqual(parsePlace(formatPlace(place)), place);
    }
    assert.deepEqual(parsePlace("0000_0042"), { token: "0000_0042", skip: 0 });
  });

  it("is refused if no server can have sent it", () => {
    for (const text of ["", "3@", "a b", "a&b", "a/b", "a=b", "a,b", "a?b", "x".repeat(301)]) {
      assert.throws(() => parsePlace(text), { code: "bad_request" }, text);
    }
  });
});
