/**
 * What a line looks like in a terminal: its text in runs of one style each, after returns, erasures and movements.
 * @module
 */
import { PLAIN, restyled, type Style, safeLink } from "./style.ts";

/** Some text in one style. */
export interface Run {
  readonly text: string;
  readonly style: Style;
}

/** A line as it is shown, and the style with which it ends. */
export interface Shown {
  readonly runs: readonly Run[];
  readonly style: Style;
}

/** Escape sequences: CSI, OSC, other strings, others; also those that are cut at the end. */
const ESCAPE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\x1b(?:\[([ -?]*)([@-~]|$)|\]([^\x07\x1b]*)(?:\x07|\x1b\\|$)|[PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~]|)/g;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const MOVES = /[\r\x08]|\x1b\[[\d;?]*[A-HJPXSTf`ad]|\x1b\[[12]K|\x1bM/;

/** Characters that move within a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const MOVING = /[\r\x08]/g;

/** Most lines and columns of a screen, so that a hostile line costs no more than its length. */
const MOST_ROWS = 200;
const MOST_COLUMNS = 8_192;

/**
 * Interprets a line.
 *
 * @param line Without its newline.
 * @param style The style that it inherits.
 */
export function show(line: string, style: Style = PLAIN): Shown {
  const text = line.replace(/\r+$/, "");
  if (!text.includes("\x1b") && !text.includes("\r") && !text.includes("\b"))
    return { runs: text === "" ? [] : [{ text, style }], style };
  const target = MOVES.test(text) ? new Screen(style) : new Sequence(style);
  let at = 0;
  for (const found of text.matchAll(ESCAPE)) {
    target.write(text.slice(at, found.index));
    at = found.index + found[0].length;
    const [, parameters = "", final, command] = found;
    if (final !== undefined) target.control(final, parameters);
    else if (command !== undefined) target.style = linked(target.style, command);
    else if (found[0] === "\x1bM") target.control("A", "");
  }
  target.write(text.slice(at));
  return { runs: target.runs(), style: target.style };
}

/** A style after an OSC: only the 8, a link, means something. */
function linked(style: Style, command: string): Style {
  const [, target] = /^8;[^;]*;(.*)$/s.exec(command) ?? [];
  return target === undefined ? style : { ...style, link: safeLink(target) };
}

/** The style after all sequences of some text. */
export function styleAfter(text: string, style: Style): Style {
  let next = style;
  for (const [, parameters = "", final, command] of text.matchAll(ESCAPE)) {
    if (final === "m") next = restyled(next, parameters);
    else if (command !== undefined) next = linked(next, command);
  }
  return next;
}

/** Text without movements. */
class Sequence {
  style: Style;
  readonly #runs: Run[] = [];

  constructor(style: Style) {
    this.style = style;
  }

  write(text: string): void {
    if (text !== "") this.#runs.push({ text, style: this.style });
  }

  control(final: string, parameters: string): void {
    if (final === "m") this.style = restyled(this.style, parameters);
  }

  runs(): readonly Run[] {
    return this.#runs;
  }
}

interface Cell {
  readonly text: string;
  readonly style: Style;
}

const EMPTY: Cell = { text: " ", style: PLAIN };

/** A small screen that begins where the line begins. What it leaves above and below is shown as lines of the line. */
class Screen {
  style: Style;
  readonly #lines = new Map<number, Cell[]>();
  #row = 0;
  #column = 0;

  constructor(style: Style) {
    this.style = style;
  }

  write(text: string): void {
    let at = 0;
    for (const { 0: move, index } of text.matchAll(MOVING)) {
      this.#put(text.slice(at, index));
      at = index + 1;
      this.#column = move === "\r" ? 0 : Math.max(0, this.#column - 1);
    }
    this.#put(text.slice(at));
  }

  control(final: string, parameters: string): void {
    const [given] = parameters.split(";");
    const count = Math.min(MOST_COLUMNS, Math.max(1, Number(given) || 1));
    if (final === "m") this.style = restyled(this.style, parameters);
    else if (final === "K") this.#erase(given);
    else if (final === "J") this.#clear(given);
    else if (final === "P") this.#line.splice(this.#column, count);
    else if (final === "X") for (let at = 0; at < count; at++) this.#set(this.#column + at, EMPTY);
    else this.#move(final, count);
  }

  runs(): readonly Run[] {
    const runs: Run[] = [];
    const rows = [...this.#lines.keys()].sort((one, other) => one - other);
    const filled = rows.map((row) => (this.#lines.get(row) ?? []).map((cell) => cell ?? EMPTY));
    for (const [at, cells] of filled.filter((cells) => cells.length > 0).entries()) {
      if (at > 0) runs.push({ text: "\n", style: PLAIN });
      for (const { text, style } of cells) {
        const last = runs[runs.length - 1];
        if (last?.style === style) runs[runs.length - 1] = { text: last.text + text, style };
        else runs.push({ text, style });
      }
    }
    return runs;
  }

  get #line(): Cell[] {
    const line = this.#lines.get(this.#row) ?? [];
    this.#lines.set(this.#row, line);
    return line;
  }

  #put(text: string): void {
    for (const character of text) {
      this.#set(this.#column, { text: character, style: this.style });
      this.#column++;
    }
  }

  #set(column: number, cell: Cell): void {
    const line = this.#line;
    for (let at = line.length; at < column; at++) line[at] = EMPTY;
    line[column] = cell;
  }

  #erase(mode: string | undefined): void {
    if (mode === "1") for (let at = 0; at <= this.#column; at++) this.#set(at, EMPTY);
    else this.#line.length = mode === "2" ? 0 : Math.min(this.#line.length, this.#column);
  }

  #clear(mode: string | undefined): void {
    if (mode === "2" || mode === "3") this.#lines.clear();
    else if (mode !== "1") {
      this.#erase("0");
      for (const row of [...this.#lines.keys()]) if (row > this.#row) this.#lines.delete(row);
    }
  }

  #move(final: string, count: number): void {
    if (final === "C" || final === "a") this.#column = Math.min(MOST_COLUMNS, this.#column + count);
    else if (final === "D") this.#column = Math.max(0, this.#column - count);
    else if (final === "G" || final === "`") this.#column = count - 1;
    else if (final === "A" || final === "F") this.#row = Math.max(-MOST_ROWS, this.#row - count);
    else if (final === "B" || final === "E") this.#row = Math.min(MOST_ROWS, this.#row + count);
    if (final === "E" || final === "F") this.#column = 0;
  }
}
