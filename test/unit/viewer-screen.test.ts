/** What a line of the viewer looks like: sequences of escape codes, and the runs of text that they leave. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Run, show, styleAfter } from "../../src/viewer/page/rows/screen.ts";
import { PLAIN, type Style } from "../../src/viewer/page/rows/style.ts";
import { runsOf } from "../fixture/short.ts";

const TRUE = 0x1000000;

/** What differs from plain text, for each run with its text. */
type Expected = readonly (string | readonly [string, Partial<Style>])[];

const STYLES: Readonly<Record<string, Expected>> = {
  "": [],
  plain: ["plain"],
  "\x1b[31mred\x1b[0mplain": [["red", { foreground: 1 }], "plain"],
  "\x1b[31mred\x1b[mplain": [["red", { foreground: 1 }], "plain"],
  "\x1b[;31mred": [["red", { foreground: 1 }]],
  "\x1b[97;100mbright": [["bright", { foreground: 15, background: 8 }]],
  "\x1b[90;47mgrey": [["grey", { foreground: 8, background: 7 }]],
  "\x1b[37;40mwhite on black": [["white on black", { foreground: 7, background: 0 }]],
  "\x1b[31;42ma\x1b[39mb\x1b[49mc": [["a", { foreground: 1, background: 2 }], ["b", { background: 2 }], "c"],
  "\x1b[38;5;208mx": [["x", { foreground: 208 }]],
  "\x1b[48;5;300mx": [["x", { background: 255 }]],
  "\x1b[38:5:208mx": [["x", { foreground: 208 }]],
  "\x1b[38;2;1;2;3mx": [["x", { foreground: TRUE + 0x010203 }]],
  "\x1b[38;2;1;2;3;4mx": [["x", { foreground: TRUE + 0x010203, underline: true }]],
  "\x1b[38:2:1:2:3mx": [["x", { foreground: TRUE + 0x010203 }]],
  "\x1b[38:2::1:2:3mx": [["x", { foreground: TRUE + 0x010203 }]],
  "\x1b[38:2:7:1:2:3:0:1mx": [["x", { foreground: TRUE + 0x010203 }]],
  "\x1b[48:2::1:2:300;1mx": [["x", { background: TRUE + 0x0102ff, bold: true }]],
  "\x1b[58;2;1;2;3;31mx": [["x", { foreground: 1 }]],
  "\x1b[58:2::1:2:3;31mx": [["x", { foreground: 1 }]],
  "\x1b[58;5;1;31mx": [["x", { foreground: 1 }]],
  "\x1b[38;7;31mx": [["x", { foreground: 1, inverse: true }]],
  "\x1b[1ma\x1b[2mb\x1b[22mc": [["a", { bold: true }], ["b", { bold: true, dim: true }], "c"],
  "\x1b[3ma\x1b[23mb": [["a", { italic: true }], "b"],
  "\x1b[4ma\x1b[24mb\x1b[21mc\x1b[4:0md\x1b[4:3me": [
    ["a", { underline: true }],
    "b",
    ["c", { underline: true }],
    "d",
    ["e", { underline: true }],
  ],
  "\x1b[7ma\x1b[27mb": [["a", { inverse: true }], "b"],
  "\x1b[8ma\x1b[28mb": [["a", { hidden: true }], "b"],
  "\x1b[9ma\x1b[29mb": [["a", { strike: true }], "b"],
  "\x1b[5;6;10;53;73;999ma": ["a"],
  "\x1b[>4;2ma\x1b[?4mb\x1b[1 mc": ["a", "b", "c"],
  "\x1b]8;;https://a.example/b\x1b\\x\x1b]8;;\x07y": [["x", { link: "https://a.example/b" }], "y"],
  "\x1b]8;;https://a.example/b\u009cx\x1b]8;;\u009cy": [["x", { link: "https://a.example/b" }], "y"],
  "\x1b]8;id=1:2;http://a.example\x07x\x1b[31my\x1b[0mz": [
    ["x", { link: "http://a.example/" }],
    ["y", { link: "http://a.example/", foreground: 1 }],
    ["z", { link: "http://a.example/" }],
  ],
  "\x1b]8;;javascript:alert(1)\x07x": ["x"],
  "\x1b]8;;data:text/html,x\x07x": ["x"],
  "\x1b]8;;https://\x07x": ["x"],
  "\x1b]8;;https://a.example": [],
  "\x1b]8;;https://a.example\x18x": ["x"],
};

/** Sequences that leave text alone, or that are cut. */
const TEXTS: Readonly<Record<string, string>> = {
  "\x1b]0;a title\x07x": "x",
  "\x1b]0;cut by another\x1b[31mx": "x",
  "\x1b]0;never ends": "",
  "\x1bPq#0;2\x1b\\x\x1b_app\x07y\x1b^p\x1b\\z\x1bXs\x1b\\!": "xyz!",
  "\x1b(Bx\x1b=y\x1b>z\x1b#8!": "xyz!",
  "\x1b(": "",
  "\x1b": "",
  "a\x1b[": "a",
  "a\x1b[31": "a",
  "a\x1b[31é": "aé",
  "a\x1bé": "aé",
  "\x1b[?25lx\x1b[?25h": "x",
  "\x1b[2 qx\x1b[!py": "xy",
  "\x1b[0Kx\x1b[Ky": "xy",
  "crlf\r": "crlf",
  "crlf\r\r\r": "crlf",
};

/** What returns, erasures and movements leave. */
const SCREENS: Readonly<Record<string, string>> = {
  "10%\r50%\r100%\r": "100%",
  "long text\rshort": "shorttext",
  "long text\r\x1b[Kshort": "short",
  "long text\r\x1b[2Kshort": "short",
  "long text\x1b[2Kx": "         x",
  "abcdef\x1b[3D\x1b[1K": "    ef",
  "abcdef\x1b[3DX": "abcXef",
  "abcdef\x1b[99DX": "Xbcdef",
  "ab\x1b[3Cx": "ab   x",
  "ab\x1b[3ax": "ab   x",
  "abc\x1b[2GX\x1b[5`Y": "aXc Y",
  "abc\b\bX": "aXc",
  "\b\bX": "X",
  "abcdef\r\x1b[2P": "cdef",
  "abcdef\r\x1b[2X": "  cdef",
  "abc\x1b[9X": "abc",
  "a\tb\rX": "X       b",
  "\x1b[1A\x1b[2Kabove\n": "above\n",
  "one\x1b[1B\rtwo": "one\ntwo",
  "one\x1b[Etwo\x1b[Fsix": "six\ntwo",
  "one\x1bMtwo": "   two\none",
  "a\x1b[Bb\x1b[Bc\r\x1b[A\x1b[J": "a",
  "a\x1b[Bb\x1b[Bc\x1b[1J": "   ",
  "a\x1b[Bb\x1b[A\r\x1b[0Jc": "c",
  "a\x1b[Bb\x1b[2Jc": "  c",
  "one\x1b7 two\x1b8 six": "one six",
  "one\x1b[s two\x1b[u six": "one six",
  "日本\rx": "x 本",
  "日本\x1b[1Dx": "日 x",
  "日本\x1b[3Dx": " x本",
  "日本\x1b[1K": "    ",
  "e\u0301\rx": "x",
  "ab\u0301c\x1b[1Dx": "ab\u0301x",
  "a\x07b\rx": "xb",
  "🚀 go\r🎉": "🎉 go",
  "\x1b[5;10Hx\x1b[2;3fy": "xy",
};

describe("the runs of a line", () => {
  for (const [line, expected] of Object.entries(STYLES)) {
    test(JSON.stringify(line), () => {
      const wanted = expected.map((run) => (typeof run === "string" ? ([run, {}] as const) : run));
      assert.deepEqual(
        show(line).runs,
        wanted.map(([text, style]) => ({ text, style: { ...PLAIN, ...style } })),
      );
    });
  }

  for (const [line, text] of [...Object.entries(TEXTS), ...Object.entries(SCREENS)]) {
    test(`${JSON.stringify(line)} has the text ${JSON.stringify(text)}`, () => assert.equal(textOf(line), text));
  }

  test("have styles on a screen as well", () => {
    const { runs, style } = show("\x1b[31mred\x1b[32m\rgr\x1b[44m\x1b[1K\x1b[0m\x1b[4Gx");
    assert.deepEqual(runs, [
      { text: "   ", style: { ...PLAIN, background: 4 } },
      { text: "x", style: PLAIN },
    ]);
    assert.equal(style, PLAIN);
  });

  test("inherit a style, and end with one", () => {
    const red = { ...PLAIN, foreground: 1 };
    assert.deepEqual(show("a\x1b[1mb", red), {
      runs: [
        { text: "a", style: red },
        { text: "b", style: { ...red, bold: true } },
      ],
      style: { ...red, bold: true },
    });
    assert.deepEqual(show("", red), { runs: [], style: red });
  });
});

/** Pieces of lines: text, sequences that style, and sequences that are cut or unknown. */
const SEQUENCE = fc.oneof(
  fc.array(fc.nat(110), { maxLength: 6 }).map((codes) => `\x1b[${codes.join(";")}m`),
  fc.constantFrom("\x1b[38:2::9:8:7m", "\x1b[48;2;1;2;3m", "\x1b[4:3m", "\x1b[?25h", "\x1b[K", "\x1b(B", "\x1b[>4;2m"),
  fc.webUrl().map((url) => `\x1b]8;;${url}\x1b\\`),
  fc.constantFrom("\x1b]0;title\x07", "\x1bPdata\x1b\\"),
);
const WORD = fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => text.replace(/\p{Cc}/gu, ""));

describe("of all lines", () => {
  test("none throws, whatever it has, and none is longer than it may be", () => {
    const hostile = fc.string({
      unit: fc.oneof(
        fc.constantFrom("\x1b", "\x1b[", "\r", "\b", "\t", ";", ":", "1", "9999", "K", "J", "A", "B", "X", "m", "日"),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      ),
      maxLength: 200,
    });
    fc.assert(
      fc.property(hostile, (line) => {
        const { runs } = show(line);
        assert.ok(runs.every(({ text }) => text !== "" || line.includes("\x1b")));
        styleAfter(line, PLAIN);
      }),
    );
  });

  test("those without movements keep their text, and are the same when they are cut in two", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(WORD, SEQUENCE)), fc.nat(40), (pieces, cut) => {
        const line = pieces.join("");
        assert.equal(textOf(line), pieces.filter((piece) => !piece.startsWith("\x1b")).join(""));
        const [head, tail] = [pieces.slice(0, cut).join(""), pieces.slice(cut).join("")];
        const first = show(head);
        const second = show(tail, first.style);
        const whole = show(line);
        assert.deepEqual(merged([...first.runs, ...second.runs]), merged(whole.runs));
        assert.deepEqual(second.style, whole.style);
        assert.deepEqual(styleAfter(line, PLAIN), whole.style);
        assert.deepEqual(styleAfter(`${head}\n${tail}`, PLAIN), whole.style);
      }),
    );
  });

  test("one that grows by any part of it has no other text than its beginning, until a sequence ends", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(WORD, SEQUENCE)), (pieces) => {
        const line = pieces.join("");
        const whole = textOf(line);
        for (let cut = 0; cut <= line.length; cut++) assert.ok(whole.startsWith(textOf(line.slice(0, cut))), `${cut}`);
      }),
      { numRuns: runsOf(100) },
    );
  });

  test("a hostile one costs little more than its length", () => {
    // Each of these would take minutes if it cost what it says.
    const pieces = [
      "\x1b[8192C\x1b[1K",
      "\x1b[44m\x1b[8192X",
      "\x1b[2J\x1b[8192Cx",
      "\r",
      "\x1b[8192Cx\x1b[1D\x1b[1K",
      "\t",
    ];
    for (const piece of pieces) assert.ok(textOf(`${piece.repeat(1_000_000 / piece.length)}.`).includes("."), piece);
    for (const piece of ["\r\x1b[P", "\x1b[1K", "\x1b[99999X"])
      assert.match(textOf(`${"text".repeat(100_000)}${piece.repeat(100_000)}`), /text$|^ *$/);
  });
});

function textOf(line: string): string {
  return show(line)
    .runs.map(({ text }) => text)
    .join("");
}

/** Runs of which no two neighbours have the same style. */
function merged(runs: readonly Run[]): Run[] {
  const result: Run[] = [];
  for (const { text, style } of runs) {
    const last = result.at(-1);
    if (last && JSON.stringify(last.style) === JSON.stringify(style))
      result[result.length - 1] = { style, text: last.text + text };
    else result.push({ text, style });
  }
  return result;
}
