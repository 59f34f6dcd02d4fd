/** JSON in the viewer: the parts of its lines, and the pieces of long lines. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { LineIndex } from "../../src/viewer/page/bytes/line-index.ts";
import type { Line } from "../../src/viewer/page/bytes/lines.ts";
import { partsOf } from "../../src/viewer/page/views/json-parts.ts";
import { depthOf, JsonLines } from "../../src/viewer/page/views/json-pieces.ts";
import { blocksOf } from "../fixture/viewed.ts";

/** What a part is, before its text. */
function named(text: string, isCut = false): string[] | undefined {
  return partsOf(text, isCut)?.flatMap((part) => (part.kind === "" ? [] : [`${part.kind}: ${part.text}`]));
}

describe("the parts of a line of JSON", () => {
  test("are those of a line, also of one within a document", () => {
    assert.deepEqual(named('{"level":"error","msg":"it \\"failed\\"","n":[1,-2.5e+3,true]}'), [
      ...['key: "level":', 'level bad: "error"', 'key: "msg":', 'message: "it \\"failed\\""'],
      ...['key: "n":', "word: 1", "word: -2.5e+3", "word: true"],
    ]);
    assert.deepEqual(named('  "name": "x",'), ['key: "name":', 'text: "x"']);
    assert.deepEqual(named('"severity" : "WARN" }'), ['key: "severity" :', 'level odd: "WARN"']);
    assert.deepEqual(named('"level":[30,"error"]'), ['key: "level":', "word: 30", 'text: "error"']);
    assert.deepEqual(named("  ],"), []);
    assert.deepEqual(named("  null"), ["word: null"]);
  });

  test("are none of text that is not JSON", () => {
    for (const text of ["no JSON", '{"a":tru}', "[1] started", '{"a":"b', "1x", "nullable", '"a"b', "'a'", "\x1b[1m{}"])
      assert.equal(partsOf(text, false), undefined, text);
    for (const text of ["no JSON", "[1] started at", '"a"b', "nullable", "1x", '"a\tb'])
      assert.equal(partsOf(text, true), undefined, text);
  });

  test("are all of the text, of each line of a document, and of each beginning of one", () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), fc.nat(), (json, isPretty, length) => {
        const text = isPretty ? JSON.stringify(JSON.parse(json), null, 2) : json;
        for (const line of text.split("\n")) {
          assert.equal((partsOf(line, false) ?? []).map((part) => part.text).join(""), line);
          const beginning = line.slice(0, length % (line.length + 1));
          assert.equal((partsOf(beginning, true) ?? []).map((part) => part.text).join(""), beginning, beginning);
        }
      }),
    );
  });
});

describe("the pieces of a long line of JSON", () => {
  const linesOf = (text: string, size = text.length): JsonLines => {
    const blocks = blocksOf(Buffer.from(text));
    blocks.size = size;
    return new JsonLines(blocks, new LineIndex());
  };

  const shown = (lines: readonly Line[]): string[] =>
    lines.map((line) => "  ".repeat(depthOf(line)) + Buffer.from(line.bytes).toString("latin1"));

  /** Documents of some hundred bytes to some hundred kilobytes, of printable ASCII without spaces and colons. */
  const DOCUMENTS = fc
    .tuple(
      fc.jsonValue({ stringUnit: fc.constantFrom("a", "B", "9", '"', "\\", "{", "]", ",") }),
      fc.integer({ min: 40, max: 700 }),
    )
    .map(([value, count]) => Array.from({ length: count }, (_, at) => ({ at, value, text: "[,]".repeat(at % 50) })));

  test("are those that JSON.stringify makes, from everywhere", async () => {
    await fc.assert(
      fc.asyncProperty(DOCUMENTS, fc.array(fc.nat(), { maxLength: 10 }), async (value, places) => {
        const text = `${JSON.stringify(value)}\n`;
        fc.pre(text.length > 4_097);
        const lines = linesOf(text);
        const all = await lines.from(0, 1_000_000);
        assert.deepEqual(shown(all), JSON.stringify(value, null, 2).replaceAll('": ', '":').split("\n"));
        assert.deepEqual(all.map(({ offset }) => offset).slice(1), all.map(({ next }) => next).slice(0, -1));
        assert.equal(all[all.length - 1]?.next, text.length);
        assert.equal(all[all.length - 1]?.isEnded, true);
        for (const place of places) {
          const at = place % all.length;
          const { offset = 0, next = 0 } = all[at] ?? {};
          assert.equal(await lines.floor(offset + (place % (next - offset))), offset);
          assert.deepEqual(await lines.before(offset, 3), all.slice(Math.max(0, at - 3), at));
          assert.equal(lines.number(offset), at === 0 ? 1 : undefined);
        }
      }),
      { numRuns: 8 },
    );
  });

  test("stay as they are when the line grows", async () => {
    await fc.assert(
      fc.asyncProperty(DOCUMENTS, fc.nat(), async (value, place) => {
        const text = `${JSON.stringify(value)}\n`;
        const size = 4_097 + (place % Math.max(1, text.length - 4_097));
        fc.pre(size < text.length);
        const blocks = blocksOf(Buffer.from(text));
        blocks.size = size;
        const lines = new JsonLines(blocks, new LineIndex());
        const before = await lines.from(0, 1_000_000);
        assert.equal(before[before.length - 1]?.isEnded, false);
        blocks.size = text.length;
        const after = await lines.from(0, 1_000_000);
        assert.deepEqual(after.slice(0, before.length - 1), before.slice(0, -1));
        assert.equal(after[before.length - 1]?.offset, before[before.length - 1]?.offset);
      }),
      { numRuns: 8 },
    );
  });

  test("are not made of short lines, of other text, and of chosen lines", async () => {
    const text = `{"a":1,"b":2}\nno JSON, ${"x,".repeat(4_000)}\n[${"1,".repeat(4_000)}1]\n`;
    const lines = linesOf(text);
    const [one, two, three] = await lines.from(0, 3);
    assert.deepEqual([one?.next, two?.next], [14, text.indexOf("[")]);
    assert.equal(three && Buffer.from(three.bytes).toString(), "[");
    assert.deepEqual(
      [lines.number(14), lines.number(text.indexOf("[")), lines.number(text.indexOf("[") + 1)],
      [2, 3, undefined],
    );
  });

  test("are cut where a string is long, and end after 16 MiB", async () => {
    const most = 16 * 1024 * 1024;
    const text = `["${"x".repeat(100_000)}",2,${"1,".repeat(most / 2)}1]\n`;
    const lines = linesOf(text);
    const [, long] = await lines.from(0, 3);
    assert.deepEqual([long?.bytes.length, long?.more], [4_096, 100_003 - 4_096]);
    lines.expand(1);
    assert.deepEqual((await lines.line(1)).more, 0);
    const last = await lines.floor(text.length - 2);
    assert.ok(last <= most && last > most - 10);
    assert.equal((await lines.line(last)).next, text.length);
  });
});
