/**
 * What a line looks like in a terminal: its text in runs of one style each, after returns, erasures and movements.
 * @module
 */
import { ESCAPE } from "../../shared/escape.ts";
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

/** A link (OSC 8) that is not cut. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const LINK = /^\x1b\]8;[^;]*;(.*?)(?:[\x07\x9c]|\x1b\\)$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const MOVES = /[\r\x08]|\x1b\[[\d;?]*[A-HJPXSTf`adsu]|\x1b\[[12]K|\x1b[M78]/;

/** Characters that move within a line. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const MOVING = /[\r\x08\t]/g;

/** Characters in the column of the one before, and those of two columns. */
const NARROW = /[\p{Mn}\p{Me}\p{Cc}\p{Cf}]/u;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

/** Most rows and columns of a screen, and most cells to fill or to erase, so that a hostile line costs little more than its length. */
const MAX_ROWS = 200;
const MAX_COLUMNS = 8_192;
const MAX_CELLS = 2_000_000;

const TAB_COLUMNS = 8;

/**
 * Interprets a line.
 *
 * @param line Without its newline.
 * @param style The style that it inherits.
 */
export function show(line: string, style: Style = PLAIN): Shown {
  let end = line.length;
  while (line[end - 1] === "\r") end--;
  const text = line.slice(0, end);
  if (!text.includes("\x1b") && !text.includes("\r") && !text.includes("\b"))
    return { runs: text === "" ? [] : [{ text, style }], style };
  const target = MOVES.test(text) ? new Screen(style) : new Sequence(style);
  let at = 0;
  for (const found of text.matchAll(ESCAPE)) {
    target.write(text.slice(at, found.index));
    const [sequence, parameters, final = ""] = found;
    at = found.index + sequence.length;
    if (parameters === undefined) target.escape(sequence);
    else if (final === "m") target.style = restyled(target.style, parameters);
    else target.control(final, parameters);
  }
  target.write(text.slice(at));
  return { runs: target.runs(), style: target.style };
}

/** A style after a sequence other than a CSI: only a link means something. */
function linked(style: Style, sequence: string): Style {
  const [, target] = LINK.exec(sequence) ?? [];
  return target === undefined ? style : { ...style, link: safeLink(target) };
}

/** The style after all sequences of some text. */
export function styleAfter(text: string, style: Style): Style {
  let next = style;
  for (const [sequence, parameters, final] of text.matchAll(ESCAPE)) {
    if (final === "m") next = restyled(next, parameters ?? "");
    else if (parameters === undefined) next = linked(next, sequence);
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

  control(): void {}

  escape(sequence: string): void {
    this.style = linked(this.style, sequence);
  }

  runs(): readonly Run[] {
    return this.#runs;
  }
}

/** What is in a column; without text for the second column of a wide character. */
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
  #saved = { row: 0, column: 0, style: PLAIN };
  #cells = 0;

  constructor(style: Style) {
    this.style = style;
  }

  write(text: string): void {
    let at = 0;
    for (const { 0: move, index } of text.matchAll(MOVING)) {
      this.#put(text.slice(at, index));
      at = index + 1;
      if (move === "\r") this.#column = 0;
      else if (move === "\b") this.#column = Math.max(0, this.#column - 1);
      else this.#column += TAB_COLUMNS - (this.#column % TAB_COLUMNS);
    }
    this.#put(text.slice(at));
  }

  escape(sequence: string): void {
    if (sequence === "\x1bM") this.#move("A", 1);
    else if (sequence === "\x1b7") this.#save();
    else if (sequence === "\x1b8") this.#restore();
    else this.style = linked(this.style, sequence);
  }

  control(final: string, parameters: string): void {
    const [given] = parameters.split(";");
    const count = Math.min(MAX_COLUMNS, Math.max(1, Number(given) || 1));
    if (final === "K") this.#erase(given);
    else if (final === "J") this.#clear(given);
    else if (final === "P") this.#delete(this.#column, this.#column + count);
    else if (final === "X") this.#blank(this.#column, this.#column + count);
    else if (final === "s" && parameters === "") this.#save();
    else if (final === "u" && parameters === "") this.#restore();
    else this.#move(final, count);
  }

  runs(): readonly Run[] {
    const runs: Run[] = [];
    const rows = [...this.#lines.keys()].sort((one, other) => one - other);
    const filled = rows.map((row) => this.#lines.get(row) ?? []).filter((cells) => cells.length > 0);
    for (const [at, cells] of filled.entries()) {
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
      if (NARROW.test(character)) this.#join(character);
      else {
        this.#set(character);
        if (WIDE.test(character)) this.#set("");
      }
    }
  }

  /** Adds to the character before the cursor, or at it. Where there is none, nothing would be seen. */
  #join(character: string): void {
    const line = this.#line;
    const last = Math.max(0, this.#column - 1);
    const column = line[last]?.text === "" ? last - 1 : last;
    const cell = line[column];
    if (cell) line[column] = { ...cell, text: cell.text + character };
  }

  /** Fills the next column. What is left of a wide character that loses a column is a space. */
  #set(text: string): void {
    const line = this.#line;
    this.#cells += Math.max(0, this.#column - line.length);
    if (this.#cells > MAX_CELLS) this.#column = Math.min(this.#column, line.length);
    while (line.length < this.#column) line.push(EMPTY);
    if (text !== "") this.#cut(line, this.#column, this.style);
    this.#cut(line, this.#column + 1, this.style);
    line[this.#column] = { text, style: this.style };
    this.#column++;
  }

  /** Makes two spaces of a wide character that has columns on both sides of a place. */
  #cut(line: Cell[], column: number, style: Style): void {
    if (line[column]?.text !== "") return;
    line[column - 1] = { text: " ", style };
    line[column] = { text: " ", style };
  }

  /** The style of what is erased: it keeps the background. */
  get #erased(): Style {
    const { background } = this.style;
    return background === PLAIN.background ? PLAIN : { ...PLAIN, background };
  }

  /** Erases columns. Those behind the text matter only if they have a background. */
  #blank(from: number, to: number): void {
    const line = this.#line;
    const style = this.#erased;
    const end = style === PLAIN ? Math.min(to, line.length) : to;
    this.#cells += Math.max(0, end - Math.min(from, line.length));
    if (this.#cells > MAX_CELLS) return;
    while (line.length < Math.min(from, end)) line.push(EMPTY);
    for (const place of [from, end]) this.#cut(line, place, style);
    for (let at = from; at < end; at++) line[at] = { text: " ", style };
  }

  #delete(from: number, to: number): void {
    const line = this.#line;
    this.#cells += line.length;
    if (this.#cells > MAX_CELLS) return;
    for (const place of [from, to]) this.#cut(line, place, this.#erased);
    line.splice(from, to - from);
  }

  #erase(mode: string | undefined): void {
    if (mode === "1") this.#blank(0, this.#column + 1);
    else {
      const line = this.#line;
      const end = mode === "2" ? 0 : Math.min(line.length, this.#column);
      this.#cut(line, end, this.#erased);
      line.length = end;
    }
  }

  #clear(mode: string | undefined): void {
    if (mode === "2" || mode === "3") {
      this.#lines.clear();
      return;
    }
    for (const row of [...this.#lines.keys()])
      if (mode === "1" ? row < this.#row : row > this.#row) this.#lines.delete(row);
    this.#erase(mode);
  }

  #save(): void {
    this.#saved = { row: this.#row, column: this.#column, style: this.style };
  }

  #restore(): void {
    this.#row = this.#saved.row;
    this.#column = this.#saved.column;
    this.style = { ...this.#saved.style, link: this.style.link };
  }

  #move(final: string, count: number): void {
    if (final === "C" || final === "a") this.#column = Math.min(MAX_COLUMNS, this.#column + count);
    else if (final === "D") this.#column = Math.max(0, this.#column - count);
    else if (final === "G" || final === "`") this.#column = count - 1;
    else if (final === "A" || final === "F") this.#row = Math.max(-MAX_ROWS, this.#row - count);
    else if (final === "B" || final === "E") this.#row = Math.min(MAX_ROWS, this.#row + count);
    if (final === "E" || final === "F") this.#column = 0;
  }
}
