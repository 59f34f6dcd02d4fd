/** Cutting text at character boundaries, compared with `TextDecoder`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cutText, incompleteTail, NO_BYTES, TextStart, textPieces } from "../../src/protocol/utf8.ts";
import { ALL_BYTES, insideOf, MIXED_TEXT, pieces, prng, randomBytes } from "../fixture/bytes.ts";

/** The bytes at both ends of each range that UTF-8 distinguishes. */
const KINDS = [
  0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
  0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
];

const whole = new TextDecoder("utf-8", { ignoreBOM: true });
const stream = new TextDecoder("utf-8", { ignoreBOM: true });

/** How many bytes at the end a streaming decoder holds back. */
function heldBack(bytes: Uint8Array): number {
  const given = stream.decode(bytes, { stream: true });
  if (stream.decode() === "") return 0;
  for (let held = 1; held <= 3; held++) {
    if (whole.decode(bytes.subarray(0, bytes.length - held)) === given) return held;
  }
  throw new Error(`the decoder holds back more than three of ${bytes}`);
}

function check(bytes: Uint8Array): void {
  const expected = heldBack(bytes);
  if (incompleteTail(bytes) === expected) return;
  assert.equal(incompleteTail(bytes), expected, Buffer.from(bytes).toString("hex"));
}

test("all sequences of one and two bytes", () => {
  assert.equal(incompleteTail(NO_BYTES), 0);
  for (let first = 0; first < 256; first++) {
    check(Uint8Array.of(first));
    for (let second = 0; second < 256; second++) check(Uint8Array.of(first, second));
  }
});

test("all sequences of three and four bytes, by the kinds of their bytes", () => {
  const bytes = new Uint8Array(4);
  for (const first of KINDS) {
    for (const second of KINDS) {
      for (const third of KINDS) {
        bytes.set([first, second, third]);
        check(bytes.subarray(0, 3));
        for (const fourth of KINDS) {
          bytes[3] = fourth;
          check(bytes);
        }
      }
    }
  }
});

test("bytes before the end do not matter", () => {
  for (const before of [ALL_BYTES, Buffer.from(MIXED_TEXT), Buffer.from([0xf0, 0x9f])]) {
    for (const end of [[0xe2], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80, 0x80, 0x80], [0xc3, 0x41], [0xed, 0xa0]]) {
      check(Buffer.concat([before, Buffer.from(end)]));
    }
  }
});

test("text that is cut anywhere comes out complete, in whole characters", () => {
  const text = Buffer.from(MIXED_TEXT.repeat(3));
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  for (let seed = 0; seed < 200; seed++) {
    let carry: Uint8Array = NO_BYTES;
    let out = "";
    for (const piece of pieces(text, 1 + (seed % 9), seed)) {
      const cut = cutText(carry, piece);
      assert.ok(cut.carry.length <= 3);
      out += strict.decode(cut.whole);
      carry = cut.carry;
    }
    assert.equal(carry.length, 0);
    assert.equal(out, text.toString());
  }
});

test("bytes that are not text come out unchanged", () => {
  const random = prng(8);
  for (let seed = 0; seed < 200; seed++) {
    const bytes = randomBytes(200, seed).map((byte) => (random() < 0.5 ? byte | 0x80 : byte));
    const out: Uint8Array[] = [];
    let carry: Uint8Array = NO_BYTES;
    for (const piece of pieces(Buffer.from(bytes), 5, seed)) {
      const cut = cutText(carry, piece);
      out.push(cut.whole);
      carry = cut.carry;
    }
    assert.ok(Buffer.concat([...out, carry]).equals(bytes));
  }
});

test("the carried bytes do not retain the buffer that they came in", () => {
  const batch = new Uint8Array(100_000).fill(0x41);
  batch[batch.length - 1] = 0xc3;
  const { whole: sent, carry } = cutText(NO_BYTES, batch);
  assert.equal(carry.buffer.byteLength, 1);
  assert.equal(sent.buffer, batch.buffer, "what leaves is not copied");
  const complete = batch.subarray(0, 1000);
  assert.equal(cutText(NO_BYTES, complete).whole, complete, "text that needs no cut stays as it is");
});

test("pieces for messages are as large as allowed, and end at character boundaries if the bytes are text", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const text = Buffer.from(MIXED_TEXT.repeat(20));
  for (const most of [4, 5, 7, 100, 32_768]) {
    const parts = textPieces(text, most);
    assert.ok(Buffer.concat(parts).equals(text));
    assert.ok(parts.every((part) => part.length > 0 && part.length <= most));
    assert.ok(parts.slice(0, -1).every((part) => part.length > most - 4));
    assert.equal(parts.map((part) => strict.decode(part)).join(""), text.toString());
  }
  const fitting = Buffer.from("12345678");
  assert.equal(textPieces(fitting, 8)[0], fitting, "what fits stays as it is");
  assert.deepEqual(textPieces(fitting, 4).map(String), ["1234", "5678"]);
  const bytes = randomBytes(100_000, 4);
  const parts = textPieces(bytes);
  assert.ok(Buffer.concat(parts).equals(bytes));
  assert.ok(parts.every((part) => part.length <= 32_768));
});

test("text is aligned to the next character, and other bytes begin at the requested offset", () => {
  const kinds = Buffer.from(Array.from({ length: 3_000 }, (_, at) => KINDS[(at * at + 7 * at) % KINDS.length] ?? 0));
  for (const bytes of [Buffer.from(MIXED_TEXT), ALL_BYTES, randomBytes(3_000, 9), kinds]) {
    for (let at = 0; at <= bytes.length; at++) {
      for (const size of [1, 2, 5]) {
        const start = new TextStart(bytes.subarray(Math.max(0, at - 3), at));
        const out: Uint8Array[] = [];
        for (let next = at; next < bytes.length && next < at + 10; next += size) {
          out.push(start.align(bytes.subarray(next, next + size)));
        }
        out.push(start.end());
        const skipped = insideOf(bytes, at);
        const expected = bytes.subarray(at + skipped, Math.min(bytes.length, at + Math.ceil(10 / size) * size));
        assert.deepEqual(Buffer.concat(out).toString("hex"), expected.toString("hex"), `from ${at} by ${size}`);
      }
    }
  }
});
