/**
 * The lines of the path, by the offsets at which they begin.
 * @module
 */
import { incompleteTail } from "../../../protocol/utf8.ts";
import { firstUp } from "../../shared/escape.ts";
import { BLOCK_BYTES } from "../../shared/messages.ts";
import type { Block, Blocks } from "./blocks.ts";
import { Folds } from "./folds.ts";
import type { LineIndex } from "./line-index.ts";

/** Maximum bytes of a line that are shown at first. */
const CLIP_BYTES = 4 * 1024;

/** Maximum bytes of a line that are shown after the reader has asked for more. */
const WHOLE_BYTES = 1024 * 1024;

/** Bytes of a line with cursor movements up that are shown: each row of a progress display may have changed last far before the end. */
const SCREEN_BYTES = 128 * 1024;

/** Maximum blocks that a search for a newline reads at once. */
const MAX_AT_ONCE = 16;

const CARRIAGE_RETURN = 13;

/** A line, or the beginning of a long one. */
export interface Line {
  /** The offset of its first byte. */
  readonly offset: number;
  /** Its bytes without the newline; of a long line, those to show. */
  readonly bytes: Uint8Array;
  /** The offset of the next line; the size of the path while the line has no newline. */
  readonly next: number;
  /** Whether it ends with a newline. */
  readonly isEnded: boolean;
  /** The number of its bytes that are not shown. */
  readonly more: number;
  /** Whether as much of it is shown as may be. */
  readonly isExpanded?: boolean;
  /** How many lines from it on were overwritten, and are not shown by themselves. */
  readonly overwritten?: number;
}

/** Lines that follow each other, and were all overwritten. */
export interface OverwrittenRun {
  /** Where they begin. */
  readonly starts: readonly number[];
  /** Where the line behind them begins. */
  readonly to: number;
}

/** Knows which lines a progress display has written over. */
export interface OverwrittenLines {
  /** The lines from one on that are shown as one row, because they were overwritten; undefined if it was not. */
  at(offset: number): Promise<OverwrittenRun | undefined>;
  /** The line whose row shows a line. */
  first(offset: number): Promise<number>;
  /** Shows a line and those that are in its row, each in a row of its own. */
  open(offset: number): Promise<void>;
  /** Whether growth has changed anything about lines that were asked for. */
  changed(sizeBefore: number): Promise<boolean>;
}

/** Some lines, which are shown alone. */
export interface ChosenLines {
  /** Where the first one begins. */
  readonly first: number;
  /** Where the last one ends. */
  readonly end: number;
  from(offset: number, count: number): Promise<Line[]>;
  before(offset: number, count: number): Promise<Line[]>;
  /** Whether a line is there only because of another one. */
  isAround(offset: number): boolean;
}

/** The lines of the path. */
export class Lines {
  readonly #blocks: Blocks;
  readonly #index: LineIndex;
  /** The offsets of long lines of which the reader wants to see more. */
  readonly #expanded = new Set<number>();
  readonly folds = new Folds();
  /** Which lines were overwritten; undefined if none may be hidden. */
  overwritten: OverwrittenLines | undefined;
  /** The lines that pass the filter; undefined without a filter. */
  only: ChosenLines | undefined;

  constructor(blocks: Blocks, index: LineIndex) {
    this.#blocks = blocks;
    this.#index = index;
  }

  get size(): number {
    return this.#blocks.size;
  }

  /** Lifts the limit on the shown bytes of a long line. */
  expand(offset: number): void {
    this.#expanded.add(offset);
  }

  /** Shows as much of a line as is needed to see a text in it. Returns whether that is possible. */
  uncover(line: number, offset: number): boolean {
    if (offset - line > CLIP_BYTES / 2) this.expand(line);
    return offset - line < WHOLE_BYTES;
  }

  /** The offset of the line, or of the part that has a row in its place, that contains the byte at an offset. */
  async floor(offset: number): Promise<number> {
    return await this.lineStart(offset);
  }

  /** The offset of the line that contains the byte at an offset. */
  async lineStart(offset: number): Promise<number> {
    for (let block = Math.floor((offset - 1) / BLOCK_BYTES); block >= 0; block--) {
      if (this.#blocks.isBlank(block) || this.#index.in(block) === 0) continue;
      const { starts } = await this.#get(block, -1);
      const start = starts[lastAtMost(starts, offset)];
      if (start !== undefined) return start;
    }
    return 0;
  }

  /** The offset of the line after the one that contains the byte at an offset; for the last line, the size of the path. */
  async lineEnd(offset: number): Promise<number> {
    return (await this.#after(offset)) ?? this.size;
  }

  /** The offset of the line after the one that contains the byte at an offset; undefined for the last line. */
  async #after(offset: number): Promise<number | undefined> {
    for (let block = Math.floor(offset / BLOCK_BYTES); block < this.#blocks.count; block++) {
      if (this.#blocks.isBlank(block) || this.#index.in(block) === 0) continue;
      const { starts } = await this.#get(block, 1);
      const start = starts[lastAtMost(starts, offset) + 1];
      if (start !== undefined) return start;
    }
    return undefined;
  }

  /** The line whose row shows the byte at an offset. For a hidden line that is the one that begins its group. */
  async row(offset: number): Promise<number> {
    this.#prefetch(offset);
    const line = await this.floor(offset);
    if (this.only) return line;
    const isHidden = this.folds.behind(line) !== line;
    const shown = isHidden ? await this.floor(this.folds.before(line + 1) - 1) : line;
    return this.folds.behind((await this.overwritten?.first(shown)) ?? shown);
  }

  /**
   * Reads the blocks around an offset at once. What its rows look like depends on the blocks before and behind its own, and
   * asking for one after the other would take a round trip for each.
   */
  #prefetch(offset: number): void {
    const block = Math.floor(offset / BLOCK_BYTES);
    const around = [block, block + 1, Math.max(0, block - 1)];
    // An error is that of the read that needs the block.
    void Promise.all(around.map(async (one) => this.#blocks.get(one))).catch(() => {});
  }

  /** The line that begins at an offset, with those that its row stands for. */
  async #rowAt(offset: number): Promise<Line> {
    const line = await this.line(offset);
    const run = line.isEnded ? await this.overwritten?.at(offset) : undefined;
    return run ? { ...line, next: run.to, overwritten: run.starts.length } : line;
  }

  /** The line that begins at an offset. */
  async line(offset: number): Promise<Line> {
    const most = this.#expanded.has(offset) ? WHOLE_BYTES : CLIP_BYTES;
    const after = await this.#after(offset);
    const next = after ?? this.size;
    const end = after === undefined ? next : after - 1;
    const bytes = await this.bytes(offset, Math.min(end, offset + most));
    const line = { offset, next, isEnded: after !== undefined, isExpanded: most === WHOLE_BYTES };
    if (bytes.length === end - offset) return { ...line, bytes, more: 0 };
    // Show the last state of a progress display.
    const isScreen = firstUp(bytes) !== -1;
    if (isScreen || bytes.includes(CARRIAGE_RETURN)) {
      const from = Math.max(offset, end - Math.max(most, isScreen ? SCREEN_BYTES : 0));
      const last = await this.bytes(from, end);
      if (from === offset) return { ...line, bytes: last, more: 0 };
      const start = isScreen ? firstUp(last) : last.subarray(0, -1).lastIndexOf(CARRIAGE_RETURN) + 1;
      if (start > 0) return { ...line, bytes: last.subarray(start), more: from + start - offset };
    }
    const cut = bytes.subarray(0, bytes.length - incompleteTail(bytes));
    return { ...line, bytes: cut, more: end - offset - cut.length };
  }

  /** Up to `count` lines, from the one at an offset on. */
  async from(offset: number, count: number): Promise<Line[]> {
    if (this.only) return this.only.from(offset, count);
    const found: Line[] = [];
    for (let at = this.folds.behind(offset); found.length < count && at < this.size; ) {
      const line = await this.#rowAt(at);
      found.push(line);
      if (!line.isEnded) break;
      at = this.folds.behind(line.next);
    }
    return found;
  }

  /** Up to `count` lines before the one at an offset. */
  async before(offset: number, count: number): Promise<Line[]> {
    if (this.only) return this.only.before(offset, count);
    const found: Line[] = [];
    for (let at = this.folds.before(offset); found.length < count && at > 0; ) {
      const line = await this.row(at - 1);
      found.push(await this.#rowAt(line));
      at = this.folds.before(line);
    }
    return found.reverse();
  }

  /** Whether the line at an offset is the first one that is shown. */
  isFirst(offset: number): boolean {
    if (this.only) return offset <= this.only.first;
    return this.folds.before(offset) === 0;
  }

  /** Whether no line is shown at or after an offset. */
  isEnd(offset: number): boolean {
    return this.folds.behind(offset) >= (this.only?.end ?? this.size);
  }

  /** Bytes between two offsets. */
  async bytes(from: number, to: number): Promise<Uint8Array> {
    const first = Math.floor(from / BLOCK_BYTES);
    if (to <= (first + 1) * BLOCK_BYTES) {
      const { bytes } = await this.#blocks.get(first);
      return bytes.subarray(from - first * BLOCK_BYTES, to - first * BLOCK_BYTES);
    }
    const joined = new Uint8Array(to - from);
    for (let block = first; block * BLOCK_BYTES < to; block++) {
      const { bytes } = await this.#blocks.get(block);
      const start = block * BLOCK_BYTES;
      const part = bytes.subarray(Math.max(0, from - start), Math.min(bytes.length, to - start));
      joined.set(part, Math.max(from, start) - from);
    }
    return joined;
  }

  /** The number of the line at an offset, counted from 1; undefined while unknown. */
  number(offset: number): number | undefined {
    if (offset === 0) return 1;
    const block = Math.floor((offset - 1) / BLOCK_BYTES);
    const before = this.#index.before(block);
    const starts = this.#blocks.at(block)?.starts;
    return before === undefined || !starts ? undefined : before + lastAtMost(starts, offset) + 2;
  }

  /** Whether a line begins at an offset. */
  startsAt(offset: number): boolean {
    if (offset === 0) return true;
    const starts = this.#blocks.at(Math.floor((offset - 1) / BLOCK_BYTES))?.starts ?? [];
    return starts[lastAtMost(starts, offset)] === offset;
  }

  /** The offset of the line with a number; undefined if there is no such line, or while it is unknown. */
  async find(number: number): Promise<number | undefined> {
    if (number === 1) return 0;
    const block = this.#index.blockOf(number - 2);
    if (block === undefined) return undefined;
    const { starts } = await this.#blocks.get(block);
    return starts[number - 2 - (this.#index.before(block) ?? 0)];
  }

  /** Reads a block. After a block without a newline it reads several at once: the line is long. */
  async #get(block: number, direction: 1 | -1): Promise<Block> {
    const kept = this.#blocks.at(block);
    if (kept) return kept;
    const isLong = this.#blocks.isBlank(block - direction);
    const others = isLong ? Array.from({ length: MAX_AT_ONCE }, (_, at) => block + direction * (at + 1)) : [];
    const inside = others.filter((one) => one >= 0 && one < this.#blocks.count && !this.#blocks.isBlank(one));
    const [first] = await Promise.all([block, ...inside].map(async (one) => this.#blocks.get(one)));
    return first ?? this.#blocks.get(block);
  }
}

/** The index of the last number that is not greater; -1 if all are. */
export function lastAtMost(sorted: readonly number[], most: number): number {
  let low = -1;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle] ?? 0) <= most) low = middle;
    else high = middle - 1;
  }
  return low;
}
