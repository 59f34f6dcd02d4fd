/** Text without the escape sequences of terminals, compared with the simplest implementation. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { PlainText } from "../../src/engine/scan/plain-text.ts";
import { terminalText, textOffsets } from "../fixture/terminal-text.ts";
import { settings } from "../property/settings.ts";

const RUNS = 300;

describe("plain text", () => {
  it("has no sequences, however the bytes arrive, and knows the offsets of its bytes", () => {
    fc.assert(
      fc.property(terminalText, fc.integer({ min: 1, max: 20 }), fc.nat(1_000), (bytes, step, start) => {
        const text = new PlainText(bytes.length + 1, start);
        for (let at = 0; at < bytes.length; at += step) text.add(bytes.subarray(at, at + step));
        const offsets = Array.from({ length: text.length }, (_, index) => text.offsetOf(index) - start);
        assert.deepEqual(offsets, textOffsets(bytes));
        assert.deepEqual(
          [...text.bytes.subarray(0, text.length)],
          offsets.map((offset) => bytes[offset]),
        );
      }),
      settings(RUNS),
    );
  });

  it("keeps its offsets when its beginning is dropped", () => {
    const text = new PlainText(100, 50);
    text.add(new TextEncoder().encode("ab\x1b[1mcd\x1b"));
    text.keep(3);
    assert.deepEqual([text.length, text.offsetOf(0), text.undecided], [1, 57, 57]);
    text.keep(1);
    assert.equal(text.undecided, 58, "the beginning of a sequence");
    text.add(new TextEncoder().encode("[0me"));
    assert.deepEqual([text.length, text.offsetOf(0)], [1, 62]);
    text.keep(1);
    assert.equal(text.undecided, 63);
  });

  it("has the same bytes after each beginning of a sequence, whatever byte follows", () => {
    const beginnings = [
      "\x1b",
      "\x1b[",
      "\x1b[1",
      "\x1b ",
      "\x1b(",
      "\x1bP",
      "\x1bX",
      "\x1b]x",
      "\x1b^",
      "\x1b_",
      "\x1b]x\x1b",
      "\x1b]x\xc2",
      "\x1b[\xc2",
      "\xc2",
    ];
    for (const beginning of beginnings) {
      for (let byte = 0; byte < 256; byte++) {
        const bytes = Buffer.from(`${beginning}${String.fromCharCode(byte)}z!\ny`, "latin1");
        const text = new PlainText(bytes.length, 0);
        text.add(bytes);
        const offsets = Array.from({ length: text.length }, (_, index) => text.offsetOf(index));
        assert.deepEqual(offsets, textOffsets(bytes), JSON.stringify(bytes.toString("latin1")));
      }
    }
  });

  it("is undecided from the beginning of an incomplete sequence on", () => {
    for (const [content, undecided] of [
      ["", 0],
      ["\x1b", 0],
      ["\x1b[1;3", 0],
      ["\x1b[1m", 4],
      ["\x1b[1m\x1b[", 4],
      ["\x1b]8;;x", 0],
      ["\x1b]x\x1b", 0],
      ["\x1b]x\x1b\\", 5],
      ["\x1b]x\xc2", 0],
      ["\x1b]x\xc2\x9c", 5],
      ["\x1b]x\xc2\xc2\x9c", 6],
      // The string was not ended: another sequence begins.
      ["\x1b]x\x1b[1", 3],
      ["\x1b(", 0],
      ["\x1b(B", 3],
    ] as const) {
      for (const isSlow of [false, true]) {
        const text = new PlainText(20, 100);
        const bytes = Buffer.from(content, "latin1");
        for (let at = 0; at < bytes.length; at += isSlow ? 1 : bytes.length) {
          text.add(bytes.subarray(at, isSlow ? at + 1 : bytes.length));
        }
        assert.equal(text.length, 0);
        assert.equal(text.undecided, 100 + undecided, JSON.stringify(content));
        assert.equal(text.offsetOf(0), 100 + bytes.length, "the next byte");
      }
    }
  });

  it("keeps the offsets of all runs from any index on", () => {
    const bytes = Buffer.from("ab\x1b[1mcd\x1b[0me\x1b[2mfgh", "latin1");
    const offsets = textOffsets(bytes);
    for (let from = 0; from <= offsets.length; from++) {
      const text = new PlainText(20, 0);
      text.add(bytes);
      text.keep(from);
      const kept = Array.from({ length: text.length }, (_, index) => text.offsetOf(index));
      assert.deepEqual(kept, offsets.slice(from));
      assert.deepEqual(
        [...text.bytes.subarray(0, text.length)],
        kept.map((offset) => bytes[offset]),
      );
      text.add(Buffer.from("i"));
      assert.equal(text.offsetOf(text.length - 1), bytes.length);
    }
  });
});
