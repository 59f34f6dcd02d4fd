/**
 * The marked lines, which the address links to. A click on a number marks a line, a click with Shift a range.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import type { Row } from "../rows/rows.ts";
import { formatLink, parseLink } from "./links.ts";

/** The offset of the first marked line, and the offset just past the last one. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The marked lines. */
export class Marked {
  readonly #lines: Lines;
  /** The line at which a range was begun. */
  #anchor: Range | undefined;
  range: Range | undefined;
  query = "";

  constructor(lines: Lines) {
    this.#lines = lines;
  }

  /** Whether a line is marked. */
  has(offset: number): boolean {
    return this.range !== undefined && offset >= this.range.from && offset < this.range.to;
  }

  /** Marks lines, and keeps the address. */
  set(from: number, to: number): void {
    this.range = { from, to: Math.max(to, from + 1) };
    this.#anchor = this.range;
  }

  /** Marks the line of a row, or extends the range to it. */
  pick({ offset, next }: Row, isExtended: boolean): void {
    const anchor = isExtended ? this.#anchor : undefined;
    if (!anchor) this.set(offset, next);
    else this.range = { from: Math.min(anchor.from, offset), to: Math.max(anchor.to, next) };
    this.writeAddress();
  }

  /** Puts a link to the marked lines into the address bar. */
  writeAddress(): void {
    const { query } = this;
    const lines = this.range && this.#numbers(this.range);
    const bytes = this.range && ([this.range.from, this.range.to] as const);
    const { pathname, search, hash } = location;
    const link = formatLink({ lines, bytes, query, view: parseLink(hash).view });
    if (link === (hash === "" ? "#" : hash) || formatLink(parseLink(hash)) === link) return;
    history.replaceState(null, "", link === "#" ? pathname + search : link);
  }

  #numbers({ from, to }: Range): readonly [number, number] | undefined {
    const first = this.#lines.number(from);
    const behind = this.#lines.number(to);
    const last = behind === undefined ? undefined : this.#lines.startsAt(to) ? behind - 1 : behind;
    return first === undefined || last === undefined ? undefined : [first, Math.max(first, last)];
  }
}
