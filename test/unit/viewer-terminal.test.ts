/**
 * Lines of the viewer beside the same lines in a terminal, `@xterm/headless`: the same characters in the same columns, in
 * the same styles. What differs on purpose does not occur in these lines:
 *
 * - The viewer has no right edge: a line does not wrap, and an erased line does not have a background up to the edge.
 * - Emoji have two columns, as in the terminals of today; in `@xterm/headless` they have one unless it is told otherwise.
 * - A line feed ends each sequence, and so does a character that it can't have: the search of the server does the same.
 * - C1 control characters, vertical tabs and form feeds are shown by signs, since in a file they are rarely what they were.
 * - Absolute positions mean nothing, since a line does not know where it stands on a screen; positions above and below it
 *   are shown as lines of the line.
 * - `38:2:r:g:b` without a colour space is a colour, as in kitty and WezTerm, since programs write it; in `@xterm/headless` the
 *   red is the colour space.
 * - Links are not compared: in `@xterm/headless`, the end of one brings an underline back that a restored cursor had taken away.
 * - A trailing return does nothing, so that lines with CRLF are those with LF.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, test } from "node:test";
import xterm, { type IBufferCell } from "@xterm/headless";
import fc from "fast-check";
import { show } from "../../src/viewer/page/rows/screen.ts";
import { DEFAULT_COLOUR, PLAIN, type Style } from "../../src/viewer/page/rows/style.ts";

const COLUMNS = 1_000;

/** A column: its text, which is empty for the second column of a wide character, and its style. */
type Cell = readonly [string, Style];

/** Characters of one column and of two, and those that join the one before. */
const WORD = fc.stringMatching(/^[a-c .日本äß]{1,8}$/).map((text) => text.replaceAll("ä", "e\u0301"));

const MOVE = fc.oneof(
  fc.constantFrom("\r", "\b", "\t", "\x1b[49m\x1b[K", "\x1b[49m\x1b[0K", "\x1b[1K", "\x1b[49m\x1b[2K"),
  fc
    .tuple(fc.constantFrom("C", "D", "G", "`", "a", "X", "P"), fc.nat(12))
    .map(([final, count]) => `\x1b[${count}${final}`),
  fc.constantFrom("\x1b[C", "\x1b[D", "\x1b[G", "\x1b7", "\x1b8", "\x1b[s", "\x1b[u"),
);

const BYTE = fc.nat(255);
const COLOUR = fc.oneof(
  fc.tuple(fc.constantFrom(30, 40, 90, 100), fc.nat(7)).map(([base, colour]) => String(base + colour)),
  fc.tuple(fc.constantFrom(38, 48), BYTE).map(([layer, colour]) => `${layer};5;${colour}`),
  fc.tuple(fc.constantFrom(38, 48), BYTE).map(([layer, colour]) => `${layer}:5:${colour}`),
  fc.tuple(fc.constantFrom(38, 48), BYTE, BYTE, BYTE).map(([layer, ...rgb]) => `${layer};2;${rgb.join(";")}`),
  fc.tuple(fc.constantFrom(38, 48), BYTE, BYTE, BYTE).map(([layer, ...rgb]) => `${layer}:2::${rgb.join(":")}`),
  fc.tuple(BYTE, BYTE, BYTE).map((rgb) => `58:2::${rgb.join(":")}`),
);
const SWITCH = fc.constantFrom(
  "",
  "0",
  "1",
  "2",
  "3",
  "4",
  "7",
  "8",
  "9",
  "21",
  "22",
  "23",
  "24",
  "27",
  "28",
  "29",
  "39",
  "49",
  "4:0",
  "4:3",
);
const STYLE = fc
  .array(fc.oneof(COLOUR, SWITCH), { minLength: 1, maxLength: 4 })
  .map((codes) => `\x1b[${codes.join(";")}m`);

/** Sequences that a terminal does not show, whole and cut. */
const OTHER = fc.constantFrom(
  "\x1b[?25l",
  "\x1b]0;title\x07",
  "\x1b]0;title\x1b[m",
  "\x1bPq\x1b\\",
  "\x1b(B",
  "\x1b[>4;2m",
  "\x07",
);

const LINE = fc
  .array(fc.oneof({ weight: 3, arbitrary: WORD }, MOVE, STYLE, OTHER), { maxLength: 25 })
  .map((pieces) => pieces.join(""));

describe("a line of the viewer is what a terminal shows", () => {
  test("with styles, returns, erasures, movements within the line, backspaces and tabs", async () => {
    await fc.assert(
      fc.asyncProperty(LINE, async (line) => {
        assert.deepEqual(columnsOf(line), await terminalOf(line));
      }),
      { numRuns: Number(process.env.FSTREAM_RUNS ?? 500) },
    );
  });

  test("for the progress displays of programs", async () => {
    for (const line of [
      "\x1b[?25l   \x1b[90m━━━━━━━━\x1b[0m \x1b[32m0.0/9.5 MB\x1b[0m \x1b[31m?\x1b[0m eta \x1b[36m-:--:--\x1b[0m\r\x1b[2K   \x1b[91m━━━━\x1b[0m\x1b[90m━━━━\x1b[0m \x1b[32m5.1/9.5 MB\x1b[0m",
      "\x1b[1m\x1b[36m    Building\x1b[0m [==>   ] 3/10: serde\r\x1b[K\x1b[1m\x1b[32m   Compiling\x1b[0m serde v1.0.0",
      "\x1b[1G\x1b[0K⠙\x1b[1G\x1b[0K⠹\x1b[1G\x1b[0K\x1b[1G\x1b[0Kadded 3 packages in 2s",
      "Receiving objects:  50% (5/10)\rReceiving objects: 100% (10/10), done.",
      "section_start:1560896352:build\r\x1b[0K\x1b[36;1mBuilding\x1b[0;m",
    ]) {
      assert.deepEqual(columnsOf(line), await terminalOf(line), JSON.stringify(line));
    }
  });
});

/** The columns of the line as the viewer shows it. */
function columnsOf(line: string): Cell[] {
  const cells: Cell[] = [];
  for (const { text, style } of show(line).runs) {
    for (const character of text.replaceAll("\x07", "")) {
      const last = cells.at(-1);
      if (character === "\u0301" && last) cells[cells.length - 1] = [last[0] + character, last[1]];
      else cells.push([character, style]);
      if (/[日本]/.test(character)) cells.push(["", style]);
      if (character !== "\t") continue;
      cells.pop();
      do cells.push([" ", PLAIN]);
      while (cells.length % 8 > 0);
    }
  }
  return trimmed(cells);
}

async function terminalOf(line: string): Promise<Cell[]> {
  const terminal = new xterm.Terminal({ cols: COLUMNS, rows: 2, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(line, resolve));
  const row = terminal.buffer.active.getLine(0);
  const cells = Array.from({ length: COLUMNS }, (_, column): Cell => {
    const cell = row?.getCell(column);
    if (!cell) throw new Error(`The terminal has no column ${column}.`);
    return [cell.getWidth() === 0 ? "" : cell.getChars() || " ", styleOf(cell)];
  });
  terminal.dispose();
  return trimmed(cells);
}

function styleOf(cell: IBufferCell): Style {
  const colour = (isDefault: boolean, isTrue: boolean, value: number): number =>
    isDefault ? DEFAULT_COLOUR : isTrue ? 0x1000000 + value : value;
  return {
    foreground: colour(cell.isFgDefault(), cell.isFgRGB(), cell.getFgColor()),
    background: colour(cell.isBgDefault(), cell.isBgRGB(), cell.getBgColor()),
    ...{ bold: cell.isBold() !== 0, dim: cell.isDim() !== 0, italic: cell.isItalic() !== 0 },
    ...{ underline: cell.isUnderline() !== 0, strike: cell.isStrikethrough() !== 0 },
    ...{ inverse: cell.isInverse() !== 0, hidden: cell.isInvisible() !== 0, link: "" },
  };
}

/** Without the spaces at the end, which a terminal has up to its edge. */
function trimmed(cells: readonly Cell[]): Cell[] {
  const last = cells.findLastIndex(([text]) => text !== " ");
  return cells.slice(0, last + 1);
}
