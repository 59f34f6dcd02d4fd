/** Lines of JSON, checked as their bytes arrive: the same as `JSON.parse` and a strict decoder say. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { JsonScanner } from "../../src/engine/append/json-scanner.ts";
import { runsOf } from "../fixture/short.ts";

const DEPTH = 1_000;

/** How many bytes are lines of JSON, if they arrive in pieces of a size. */
function taken(bytes: Uint8Array, size: number): { count: number; scanner: JsonScanner } {
  const scanner = new JsonScanner();
  let stored = 0;
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    const count = scanner.take(piece);
    stored += count;
    if (count < piece.length) return { count: stored, scanner };
  }
  return { count: stored, scanner };
}

/** Whether a whole line is JSON, as others say. */
function isJson(line: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line);
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function accepts(line: Uint8Array): boolean {
  const whole = Buffer.concat([line, Buffer.from("\n")]);
  const { count, scanner } = taken(whole, whole.length);
  return count === whole.length && scanner.tail === "blank";
}

describe("lines of JSON that arrive in pieces", () => {
  it("are what JSON.parse takes", () => {
    const good = [
      "0",
      "-0",
      "12.5e+3",
      "1E9",
      "-1.0",
      '"a\\u00e9\\n\\/"',
      "true",
      "false",
      "null",
      "[]",
      "{}",
      " [ ] \r",
    ];
    good.push(
      '{"a":{"b":[1,[2,{}]]},"c":null}',
      '\t{"a" : "b" ,"c":\t[ true , "x" ]}',
      '"\u00e9€😀\u{10ffff}\u007f"',
      '""',
    );
    const bad = [
      "",
      " ",
      "01",
      "1.",
      ".5",
      "-",
      "+1",
      "1e",
      "1e+",
      "tru",
      "nul",
      "True",
      "[1,]",
      "[,1]",
      "{,}",
      "]",
      "}",
    ];
    bad.push(
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      "{a:1}",
      '{"a":1 "b":2}',
      "[1 2]",
      '"a',
      '"\t"',
      '"\\x"',
      '"\\u12g4"',
      "[}",
      "{]",
    );
    bad.push(
      "1 2",
      "[]]",
      '"a""b"',
      "[",
      "{",
      '{"a":[}',
      "\ufeff1",
      "1,",
      "{1:2}",
      '["a":1]',
      "'a'",
      "//",
      "NaN",
      "\f1",
    );
    for (const text of good) {
      assert.ok(accepts(Buffer.from(text)), text);
      assert.ok(isJson(Buffer.from(text)), text);
    }
    for (const text of bad) {
      assert.equal(accepts(Buffer.from(text)), false, JSON.stringify(text));
      assert.equal(isJson(Buffer.from(text)), false, JSON.stringify(text));
    }
  });

  it("have every byte and every pair of bytes in a string judged as a strict decoder judges them", () => {
    for (let first = 0; first < 256; first++) {
      assert.equal(accepts(Uint8Array.of(0x22, first, 0x22)), isJson(Uint8Array.of(0x22, first, 0x22)), `${first}`);
      assert.equal(accepts(Uint8Array.of(first)), first !== 10 && isJson(Uint8Array.of(first)), `${first}`);
    }
    for (const first of [0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff]) {
      for (let second = 0x70; second < 256; second++) {
        for (const rest of [[], [0x80], [0xbf, 0x80], [0x80, 0xc0], [0x7f]]) {
          const line = Uint8Array.of(0x22, first, second, ...rest, 0x22);
          assert.equal(accepts(line), isJson(line), Buffer.from(line).toString("hex"));
        }
      }
    }
  });

  it("may be cut anywhere, and the lines before a bad one count", () => {
    const good = Buffer.from('{"a":"€\\u20ac😀","b":[1.5e3,null]}\n[true,false]\n');
    const bad = Buffer.from('{"a":"€",}\n1\n');
    const all = Buffer.concat([good, bad]);
    for (let size = 1; size <= all.length; size++) {
      const { scanner } = taken(good, size);
      assert.equal(scanner.tail, "blank", `pieces of ${size}`);
      const { count, scanner: broken } = taken(all, size);
      // Of a line that arrived in pieces, its beginning may be stored; never more than what can become a message.
      assert.ok(count >= good.length && count <= good.length + 11, `${count} of pieces of ${size}`);
      assert.equal(broken.take(Buffer.from("1\n")), 0);
      assert.equal(broken.tail, "unfinished");
    }
    assert.equal(taken(all, all.length).count, good.length);
  });

  it("tell what the last line is", () => {
    for (const [text, tail] of [
      ["", "blank"],
      ["1\n", "blank"],
      ["1\n \t", "blank"],
      ["1", "value"],
      ["1.5e2", "value"],
      ['{"a":1} ', "value"],
      ["true", "value"],
      ["tru", "unfinished"],
      ["1.", "unfinished"],
      ['{"a":1', "unfinished"],
      ['"a', "unfinished"],
      ["[1]\n[1", "unfinished"],
    ] as const) {
      assert.equal(taken(Buffer.from(text), 3).scanner.tail, tail, text);
    }
  });

  it("nest up to a depth", () => {
    for (const [open, close] of ["[]", ["{", "}"]]) {
      const nested = (depth: number): Buffer => {
        const inner = open === "[" ? "[" : '{"a":';
        return Buffer.from(`${inner.repeat(depth - 1)}${open}${`${close}`.repeat(depth)}`);
      };
      assert.ok(accepts(nested(DEPTH)));
      assert.equal(accepts(nested(DEPTH + 1)), false);
    }
  });

  it("are judged as JSON.parse judges any text that looks like JSON", () => {
    const token = fc.constantFrom(...'[]{}:,"\\ \t\r-+.eE019tfnu€é', "true", "null", '"a":', '"\\u00', "12");
    const mutated = fc
      .tuple(fc.json(), fc.nat(), token)
      .map(
        ([text, at, what]) => text.slice(0, at % (text.length + 1)) + what + text.slice((at % (text.length + 1)) + 1),
      );
    const any = fc.oneof(
      fc.json(),
      mutated,
      fc.array(token).map((tokens) => tokens.join("")),
    );
    fc.assert(
      fc.property(any, fc.integer({ min: 1, max: 7 }), (text, size) => {
        const line = Buffer.from(text.replaceAll("\n", " "));
        const whole = Buffer.concat([line, Buffer.from("\n")]);
        const want = isJson(line);
        assert.equal(taken(whole, size).count === whole.length, want, JSON.stringify(text));
        assert.equal(accepts(line), want);
      }),
      { numRuns: runsOf(2_000) },
    );
  });
});
