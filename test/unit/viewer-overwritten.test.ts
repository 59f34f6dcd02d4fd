/** Lines that a progress display has written over. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import xterm from "@xterm/headless";
import fc from "fast-check";
import { Blocks } from "../../src/viewer/page/bytes/blocks.ts";
import { LineIndex } from "../../src/viewer/page/bytes/line-index.ts";
import { type Line, Lines } from "../../src/viewer/page/bytes/lines.ts";
import { Overwritten, overwrittenLines } from "../../src/viewer/page/rows/overwritten.ts";
import { plainTextOf } from "../../src/viewer/page/rows/row.ts";
import { BLOCK_BYTES } from "../../src/viewer/shared/messages.ts";
import { PROGRESS } from "../fixture/progress.ts";
import { runsOf } from "../fixture/short.ts";
import { shownLinesOf, sourceOf } from "../fixture/viewed.ts";

describe("the last state of a progress display", () => {
  for (const [name, { pieces, shown }] of Object.entries(PROGRESS)) {
    test(`of ${name} can be read`, async () => {
      const content = pieces.join("");
      assert.deepEqual(
        withoutEmpty(await terminalOf(content)),
        withoutEmpty(shown.join("\n").split("\n")),
        "a terminal",
      );
      const rows = await shownLinesOf(content).from(0, 1_000);
      assert.deepEqual(textsOf(rows.filter(({ overwritten }) => overwritten === undefined)), shown);
      for (const { offset } of rows)
        assert.ok(offset === 0 || content === "" || Buffer.from(content)[offset - 1] === 10);
    });
  }

  test("is the same wherever the edge of a block is", async () => {
    const { pieces, shown } = PROGRESS["docker compose up"] ?? { pieces: [], shown: [] };
    const display = Buffer.from(pieces.join(""));
    for (let cut = 1; cut < display.length; cut += 13) {
      const before = Buffer.alloc(BLOCK_BYTES - cut - 1, "x");
      const content = Buffer.concat([before, Buffer.from("\n"), display]);
      const rows = await shownLinesOf(content).from(0, 1_000);
      const seen = textsOf(rows.slice(1).filter(({ overwritten }) => overwritten === undefined));
      assert.deepEqual(seen, shown, `${cut}`);
    }
  });
});

describe("lines that were overwritten", () => {
  const CASES: Readonly<Record<string, string>> = {
    "a|b|\x1b[2Ac|d": "**..",
    "a|b|\x1b[1Ac": ".*.",
    "abc|\x1b[1Ax": "..",
    "abc|\x1b[1A\x1b[Kx": "*.",
    "abc|\x1b[1A\x1b[2K": "*.",
    "abc|\x1b[1A\x1b[1Kx": "..",
    "abc|\x1b[1A\x1b[3G\x1b[1K": "*.",
    "abc|\x1b[1Fxyz": "*.",
    "abc|\x1bMxyz": "*.",
    "abc|\x1b[1A   ": "*.",
    "a|b|c|\x1b[3A\x1b[Jx": "***.",
    "a|b|c|\x1b[3A\x1b[2Jx": "*...",
    "a|b|\x1b[2A|\x1b[Bc": "..*.",
    "a||\x1b[1A": ".*.",
    "|": ".",
    "||x": "...",
    "x|\x1b[1A|y": ".*.",
    "a|\x1b[1A\x1b[C\bb": "*.",
    "a\tb|\x1b[1A\tc": "..",
    "ab|\x1b[1A\x1b[2Cc": "..",
    "ab|\x1b[1A\x1b[1Dxy": "*.",
    "a|\x1b[1A\x1b[Ex\x1b[Fy": "*.",
  };
  for (const [given, expected] of Object.entries(CASES)) {
    test(JSON.stringify(given), () => {
      const lines = given.replace(/\|$/, "").split("|");
      assert.equal(
        overwrittenLines(lines)
          .map((is) => (is ? "*" : "."))
          .join(""),
        expected,
      );
    });
  }

  test("are one row, which can be opened, and which another way leads to as well", async () => {
    const content = Buffer.from("begin\none\ntwo\nthree\n\x1b[3A1\x1b[K\n2\x1b[K\n3\x1b[K\nend\n");
    const lines = shownLinesOf(content);
    const all = await lines.from(0, 100);
    assert.deepEqual(textsOf(all), ["begin", "one", "1", "2", "3", "end"]);
    assert.deepEqual(
      all.map(({ overwritten }) => overwritten),
      [undefined, 3, undefined, undefined, undefined, undefined],
    );
    assert.deepEqual(await lines.before(content.length, 100), all);
    assert.equal(await lines.row(content.indexOf("three")), 6);
    await lines.overwritten?.open(content.indexOf("two"));
    const opened = await lines.from(0, 100);
    assert.deepEqual(textsOf(opened), ["begin", "one", "two", "three", "1", "2", "3", "end"]);
    assert.deepEqual(
      opened.map(({ overwritten }) => overwritten ?? 0),
      [0, 1, 1, 1, 0, 0, 0, 0],
    );
    assert.deepEqual(await lines.before(content.length, 100), opened);
    assert.equal(await lines.row(content.indexOf("three") + 1), content.indexOf("three"));
  });

  test("depend on nothing but the bytes, whatever way a reader comes", async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "line\n",
        "\n",
        "\x1b[2A\x1b[Kx\n",
        "\x1b[1F",
        "a\x1b[K\n",
        "\x1b[3A\x1b[J",
        "\x1b[31mred\n",
        "tail",
      ),
      fc.nat(9_000).map((length) => `${"x".repeat(length)}\n`),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 40, maxLength: 120 }),
        fc.nat(),
        fc.nat(),
        async (pieces, one, other) => {
          const content = Buffer.from(pieces.join(""));
          const all = await shownLinesOf(content).from(0, 10_000);
          const lines = shownLinesOf(content);
          assert.deepEqual(await lines.before(content.length, 10_000), all);
          const start = await lines.row(one % content.length);
          const from = all.findIndex(({ offset }) => offset === start);
          assert.ok(from >= 0);
          const { offset, next } = all[from] as Line;
          assert.ok(offset <= one % content.length && (next > one % content.length || next === content.length));
          assert.deepEqual(await lines.from(start, 7), all.slice(from, from + 7));
          assert.deepEqual(await lines.before(start, 5), all.slice(Math.max(0, from - 5), from));
          // The same of bytes that have arrived in two parts.
          const grown = new Blocks(sourceOf(content));
          const live = new Lines(grown, new LineIndex());
          live.overwritten = new Overwritten(grown);
          const cut = other % content.length;
          grown.put(0, content.subarray(0, cut));
          await live.from(0, 10_000);
          grown.put(cut, content.subarray(cut));
          await live.overwritten.changed(cut);
          assert.deepEqual(await live.from(0, 10_000), all);
        },
      ),
      { numRuns: runsOf(60) },
    );
  });

  test("are told when growth changes them, and only then", async () => {
    const blocks = new Blocks(sourceOf(Buffer.alloc(0)));
    const overwritten = new Overwritten(blocks);
    const grow = async (text: string): Promise<boolean> => {
      const before = blocks.size;
      blocks.put(before, Buffer.from(text));
      const isChanged = await overwritten.changed(before);
      await overwritten.at(0);
      return isChanged;
    };
    assert.equal(await grow("one\ntwo\n"), false);
    assert.equal(await grow("three\x1b"), false);
    assert.equal(await grow("[2"), false);
    assert.equal(await grow("A"), false);
    assert.equal(await grow("\rwritten over"), true);
    assert.equal(await grow(" and more"), false);
    assert.equal(await grow("\n"), false);
    assert.equal(await grow("and this"), true);
  });

  test("cost no more than their bytes, however hostile", () => {
    for (const line of [
      "\x1b[9999Cx",
      "\x1b[99999A\x1b[9999Cx",
      "\x1b[1A\x1b[9999Cx\x1b[1K",
      "\x1b[9A\x1b[J",
      "\x1bM",
    ]) {
      const lines = new Array<string>(Math.floor(131_072 / line.length)).fill(line);
      assert.equal(overwrittenLines(lines).length, lines.length);
    }
  });

  test("cost no more than their bytes if each line erases what is below it", () => {
    // A look at every row for every erasure would take most of an hour.
    const rows = 300_000;
    const lines = [...new Array<string>(rows).fill("a"), "\x1b[2A", ...new Array<string>(rows).fill("\x1b[J")];
    const overwritten = overwrittenLines(lines);
    assert.deepEqual([overwritten[rows - 2], overwritten[rows - 1]], [false, true]);
    // The same upwards: each line goes to a row above all others.
    const up = overwrittenLines(new Array<string>(rows).fill("\x1b[2Ax\x1b[J"));
    assert.deepEqual([up[0], up[rows - 1]], [true, false]);
  });
});

test("the last state of a long line that goes up has all its rows", async () => {
  const set = (layer: number, text: string): string =>
    `\x1b[${3 - layer}A\x1b[2K\r${layer}: ${text}\r\x1b[${3 - layer}B`;
  const steps = Array.from({ length: 20_000 }, (_, at) => set(at % 3, `step ${at}`)).join("");
  const lines = shownLinesOf(`0\n1\n2\n${steps}Done\nend\n`);
  const rows = await lines.from(0, 100);
  assert.deepEqual(textsOf(rows), ["0", "0: step 19998\n1: step 19999\n2: step 19997\nDone", "end"]);
  assert.equal(rows[0]?.overwritten, 3);
  assert.ok((rows[1]?.more ?? 0) > steps.length - 140_000);
});

function textsOf(lines: readonly Line[]): string[] {
  return lines.map(({ bytes }) => plainTextOf(bytes));
}

async function terminalOf(content: string): Promise<string[]> {
  const terminal = new xterm.Terminal({ cols: 200, rows: 60, convertEol: true, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(content, resolve));
  const { active } = terminal.buffer;
  const rows = Array.from({ length: active.length }, (_, at) => active.getLine(at)?.translateToString(true) ?? "");
  terminal.dispose();
  return rows;
}

/** Without the spaces at the end of rows, and without empty rows. */
function withoutEmpty(rows: readonly string[]): string[] {
  return rows.map((row) => row.trimEnd()).filter((row) => row !== "");
}
