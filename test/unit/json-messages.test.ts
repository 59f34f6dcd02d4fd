/** JSON messages: from bodies to lines, and from lines to arrays. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isJsonLines, jsonArray, jsonLines } from "../../src/engine/durable/json-messages.ts";
import { arrayOf } from "../../src/server/durable/json-array.ts";
import { rejectsWith } from "../contract/store/driver.ts";

function lines(text: string): string {
  return Buffer.from(jsonLines(Buffer.from(text))).toString();
}

describe("JSON messages", () => {
  it("keep their text, without the white space between tokens", () => {
    for (const [body, want] of [
      ['[{"a": 1.0}, 2]', '{"a":1.0}\n2\n'],
      ["[]", ""],
      [" [ [1, 2] , [] ] ", "[1,2]\n[]\n"],
      ['{"a": 1, "a": 18446744073709551616}', '{"a":1,"a":18446744073709551616}\n'],
      ['"a \\" , ] \\\\"', '"a \\" , ] \\\\"\n'],
      ["\ufefftrue", "true\n"],
      ["\t-2.5e+10\r\n", "-2.5e+10\n"],
      ['{"a": [1, [2]]}', '{"a":[1,[2]]}\n'],
      ["[1]", "1\n"],
    ] as const) {
      assert.equal(lines(body), want, body);
    }
  });

  it("are refused if they are not JSON, or not UTF-8", async () => {
    for (const body of ["", "{", "[1,]", "1 2", "undefined", "'a'"]) {
      await rejectsWith(
        Promise.resolve().then(() => lines(body)),
        "not_json",
      );
    }
    await rejectsWith(
      Promise.resolve().then(() => jsonLines(Uint8Array.of(0x22, 0xff, 0x22))),
      "not_json",
    );
  });

  it("are nested at most 1,000 levels deep, as those of raw appends: parsers of readers overflow not much later", async () => {
    assert.equal(lines(`[${"[".repeat(999)}${"]".repeat(999)}]`), `${"[".repeat(999)}${"]".repeat(999)}\n`);
    await rejectsWith(
      Promise.resolve().then(() => lines("[".repeat(1_001) + "]".repeat(1_001))),
      "not_json",
    );
  });

  it("have white space only between tokens", async () => {
    assert.equal(lines('[\n1\r\n,\n"a b"\t]\n'), '1\n"a b"\n');
    for (const body of ["1\n2", "[1 2]", '"a\nb"', "\v1", "\u00a01", "[1]\ufeff"]) {
      await rejectsWith(
        Promise.resolve().then(() => lines(body)),
        "not_json",
      );
    }
  });

  it("are the same values after the way through lines and arrays, however the bytes are cut", async () => {
    const values = fc.array(fc.jsonValue(), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        values,
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 3 }),
        async (given, cut, indent) => {
          const stored = jsonLines(Buffer.from(JSON.stringify(given, undefined, indent)));
          assert.ok(isJsonLines(stored));
          assert.equal(Buffer.from(stored).toString().split("\n").length, given.length + 1);
          const want = JSON.parse(JSON.stringify(given)) as unknown;
          assert.deepEqual(JSON.parse(Buffer.from(jsonArray(stored)).toString()), want);
          const pieces: Uint8Array[] = [];
          for (let at = 0; at < stored.length; at += cut) pieces.push(stored.slice(at, at + cut));
          const source = new ReadableStream<Uint8Array>({
            pull(controller) {
              const piece = pieces.shift();
              if (piece) controller.enqueue(piece);
              else controller.close();
            },
          });
          const body = arrayOf(source, stored.length);
          const text = await new Response(body).text();
          assert.deepEqual(JSON.parse(text), want);
          assert.equal(Buffer.byteLength(text), Math.max(2, stored.length + 1));
        },
      ),
    );
  });

  it("are complete lines", () => {
    for (const [text, want] of [
      ["", true],
      ["1\n", true],
      ["1", false],
      ["12", false],
      ["1\n2", false],
      ["\n", false],
      ["1\n\n", false],
      ["1\nx\n", false],
      // Within an array, it would be no white space.
      ["\ufeff1\n", false],
      [`${"[".repeat(1_001)}${"]".repeat(1_001)}\n`, false],
    ] as const) {
      assert.equal(isJsonLines(Buffer.from(text)), want, JSON.stringify(text));
    }
  });
});
