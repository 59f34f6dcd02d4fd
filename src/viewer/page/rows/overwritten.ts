/**
 * Lines that are no longer visible in a terminal, because a progress display has gone up (`ESC [ n A`), and has erased
 * or written over them. What is known of a line depends on the block that it begins in and on the block behind it, and
 * on nothing else: so it is the same whatever way a reader came.
 * @module
 */
import { ESCAPE, firstUp } from "../../shared/escape.ts";
import { BLOCK_BYTES } from "../../shared/messages.ts";
import type { Block, Blocks } from "../bytes/blocks.ts";
import { lastAtMost, type OverwrittenLines, type OverwrittenRun } from "../bytes/lines.ts";

/** Most blocks to remember. */
const MAX_KEPT = 64;

/** Columns to tell apart. */
const MAX_COLUMNS = 512;

const ESCAPE_BYTE = 27;
const NEWLINE = 10;
const DECODER = new TextDecoder();
interface Kept {
  /** Bytes that it is made of. */
  readonly bytes: number;
  readonly runs: readonly OverwrittenRun[];
}

/** Knows which lines were overwritten. */
export class Overwritten implements OverwrittenLines {
  readonly #blocks: Blocks;
  readonly #kept = new Map<number, Kept>();
  /** Lines that are shown nevertheless. */
  readonly #open = new Set<number>();

  constructor(blocks: Blocks) {
    this.#blocks = blocks;
  }

  async at(offset: number): Promise<OverwrittenRun | undefined> {
    const run = await this.#runOf(offset);
    if (!run) return undefined;
    const starts = run.starts.slice(run.starts.indexOf(offset));
    const [, next = run.to] = starts;
    return this.#open.has(offset) ? { starts: [offset], to: next } : { starts, to: run.to };
  }

  async first(offset: number): Promise<number> {
    return this.#open.has(offset) ? offset : ((await this.#runOf(offset))?.starts[0] ?? offset);
  }

  async open(offset: number): Promise<void> {
    for (const start of (await this.#runOf(offset))?.starts ?? []) this.#open.add(start);
  }

  async changed(sizeBefore: number): Promise<boolean> {
    const last = blockOf(sizeBefore);
    const before = [last - 1, last].filter((block) => this.#kept.has(block));
    const known = before.map((block) => JSON.stringify(this.#kept.get(block)?.runs));
    const now = await Promise.all(before.map(async (block) => JSON.stringify(await this.#runs(block))));
    return now.some((runs, at) => runs !== known[at]);
  }

  async #runOf(offset: number): Promise<OverwrittenRun | undefined> {
    return (await this.#runs(blockOf(offset))).find(({ starts }) => starts.includes(offset));
  }

  async #runs(number: number): Promise<readonly OverwrittenRun[]> {
    const block = await this.#blocks.get(number);
    const hasNext = number + 1 < this.#blocks.count && block.bytes.includes(ESCAPE_BYTE);
    const next = hasNext ? await this.#blocks.get(number + 1) : undefined;
    const bytes = block.length + (next?.length ?? 0);
    const known = this.#kept.get(number);
    if (known?.bytes === bytes) return known.runs;
    const runs = runsIn(number, block, next);
    this.#kept.delete(number);
    this.#kept.set(number, { bytes, runs });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return runs;
  }
}

/** The block that the newline before a line is in. */
function blockOf(offset: number): number {
  return Math.max(0, Math.floor((offset - 1) / BLOCK_BYTES));
}

function runsIn(number: number, block: Block, next: Block | undefined): OverwrittenRun[] {
  const from = number * BLOCK_BYTES;
  const starts = number === 0 ? [0, ...block.starts] : block.starts;
  const region = new Uint8Array(block.length + (next?.length ?? 0));
  region.set(block.bytes);
  region.set(next?.bytes ?? [], block.length);
  const [first] = starts;
  if (first === undefined || firstUp(region) === -1) return [];
  const lines: string[] = [];
  const ends: number[] = [];
  for (let at = first - from; at < region.length; ) {
    const end = region.indexOf(NEWLINE, at);
    lines.push(DECODER.decode(region.subarray(at, end === -1 ? region.length : end)));
    if (end === -1) break;
    at = end + 1;
    ends.push(from + at);
  }
  const runs: { starts: number[]; to: number }[] = [];
  for (const [at, isOverwritten] of overwrittenLines(lines).entries()) {
    const [start, end] = [starts[at], ends[at]];
    if (!isOverwritten || start === undefined || end === undefined) continue;
    const last = runs[runs.length - 1];
    if (last?.to === start) {
      last.starts.push(start);
      last.to = end;
    } else runs.push({ starts: [start], to: end });
  }
  return runs;
}

/**
 * Finds the lines of which no character is visible any more. A line without any was overwritten if another line has
 * come to its row, or was there before.
 */
export function overwrittenLines(lines: readonly string[]): boolean[] {
  const display = new Display(lines.length);
  for (const line of lines) display.add(line);
  return display.overwritten();
}

/** Which line each character on a screen is from. */
class Display {
  /** For each row, the lines that its columns are from, counted from 1. */
  readonly #rows = new Map<number, number[]>();
  /** The numbers of these rows in order, so that an erasure visits only those that it erases. */
  readonly #used: number[] = [];
  /** The last line that came to a row. */
  readonly #last = new Map<number, number>();
  /** How many characters of each line are visible, and the row where it ends. */
  readonly #counts: number[];
  readonly #ends: number[] = [];
  readonly #hasText: boolean[] = [];
  #line = 0;
  #row = 0;
  #column = 0;

  constructor(lines: number) {
    this.#counts = new Array<number>(lines + 1).fill(0);
  }

  add(line: string): void {
    this.#line++;
    this.#column = 0;
    let at = 0;
    for (const { 0: sequence, 1: parameters = "", 2: final, index } of line.matchAll(ESCAPE)) {
      this.#write(line.slice(at, index));
      at = index + sequence.length;
      if (sequence === "\x1bM") this.#row--;
      else if (final !== undefined) this.#control(final, parameters);
    }
    this.#write(line.slice(at));
    this.#last.set(this.#row, this.#line);
    this.#ends[this.#line] = this.#row;
    this.#row++;
  }

  overwritten(): boolean[] {
    return this.#counts.slice(1).map((count, at) => {
      const line = at + 1;
      if (count > 0) return false;
      if (this.#hasText[line]) return true;
      const row = this.#ends[line] ?? 0;
      return this.#last.get(row) !== line || (this.#rows.get(row) ?? []).some((owner) => owner > 0);
    });
  }

  #write(text: string): void {
    let owners: number[] | undefined;
    for (const character of text) {
      if (character === "\r") this.#column = 0;
      else if (character === "\b") this.#column = Math.max(0, this.#column - 1);
      else if (character === "\t") this.#column += 8 - (this.#column % 8);
      else {
        owners ??= this.#owners();
        this.#own(owners, this.#column, character === " " ? 0 : this.#line);
        this.#column++;
      }
    }
  }

  #control(final: string, parameters: string): void {
    const count = Math.max(1, Number.parseInt(parameters, 10) || 1);
    if (final === "A" || final === "F") this.#row -= count;
    else if (final === "B" || final === "E") this.#row += count;
    else if (final === "C") this.#column += count;
    else if (final === "D") this.#column = Math.max(0, this.#column - count);
    else if (final === "G") this.#column = count - 1;
    else if (final === "K") this.#erase(parameters);
    else if (final === "J" && (parameters === "" || parameters === "0")) this.#eraseBelow();
    if (final === "E" || final === "F") this.#column = 0;
  }

  #erase(mode: string): void {
    const owners = this.#owners();
    const end = mode === "1" ? Math.min(owners.length, this.#column + 1) : owners.length;
    for (let column = mode === "1" || mode === "2" ? 0 : this.#column; column < end; column++)
      this.#own(owners, column, 0);
  }

  #eraseBelow(): void {
    this.#erase("0");
    const first = lastAtMost(this.#used, this.#row) + 1;
    for (const row of this.#used.splice(first)) {
      for (const owner of this.#rows.get(row) ?? []) this.#count(owner, -1);
      this.#rows.delete(row);
      this.#last.set(row, this.#line);
    }
  }

  /** The row, to which the line has come. */
  #owners(): number[] {
    this.#last.set(this.#row, this.#line);
    const known = this.#rows.get(this.#row);
    if (known) return known;
    const owners: number[] = [];
    this.#rows.set(this.#row, owners);
    this.#used.splice(lastAtMost(this.#used, this.#row) + 1, 0, this.#row);
    return owners;
  }

  /** Gives a column to a line; 0 for a space. */
  #own(owners: number[], column: number, line: number): void {
    const at = Math.min(column, MAX_COLUMNS);
    while (owners.length < at) owners.push(0);
    this.#count(owners[at] ?? 0, -1);
    this.#count(line, 1);
    if (line > 0) this.#hasText[line] = true;
    owners[at] = line;
  }

  #count(line: number, by: 1 | -1): void {
    this.#counts[line] = (this.#counts[line] ?? 0) + by;
  }
}
