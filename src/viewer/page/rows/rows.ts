/**
 * The rows in the document: those of the lines around the window.
 * @module
 */
import type { Blocks } from "../bytes/blocks.ts";
import type { LineIndex } from "../bytes/line-index.ts";
import type { Line, Lines } from "../bytes/lines.ts";
import { fillRow } from "./row.ts";
import type { Style } from "./style.ts";
import type { Styles } from "./styles.ts";

/** A row, and what is known of its line. */
export interface Row {
  readonly element: HTMLElement;
  readonly offset: number;
  readonly next: number;
  readonly isEnded: boolean;
}

/** A line with the style that it inherits. */
export interface StyledLine {
  readonly line: Line;
  readonly style: Style;
}

/** Marks rows, such as those of a link. */
export type Decorate = (row: HTMLElement, offset: number) => void;

/** Fills a row with a line. */
export type Fill = (row: HTMLElement, line: Line, style: Style, isFolded: boolean) => void;

/** How a view shows a path in rows. */
export interface LineView {
  /** What it has in place of lines. Default: lines. */
  readonly Type: new (
    blocks: Blocks,
    index: LineIndex,
  ) => Lines;
  /** Default: as in a log. */
  readonly fill?: Fill;
  /** Whether escape sequences have no effect on later lines. */
  readonly isPlain?: true;
}

/** The rows, in the order of their lines. */
export class Rows {
  readonly #list: HTMLElement;
  readonly #lines: Lines;
  readonly #styles: Styles;
  #rows: Row[] = [];
  /** Called for each row that is made or replaced. */
  decorate: Decorate = () => {};
  readonly #fill: Fill;

  constructor(list: HTMLElement, lines: Lines, styles: Styles, fill: Fill = fillRow) {
    this.#fill = fill;
    this.#list = list;
    this.#lines = lines;
    this.#styles = styles;
  }

  get all(): readonly Row[] {
    return this.#rows;
  }

  get first(): Row | undefined {
    return this.#rows[0];
  }

  get last(): Row | undefined {
    return this.#rows[this.#rows.length - 1];
  }

  /** The row at some pixels of the list. */
  at(y: number): Row | undefined {
    let low = 0;
    let high = this.#rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#rows[middle]?.element.offsetTop ?? 0) <= y) low = middle;
      else high = middle - 1;
    }
    return this.#rows[low];
  }

  get height(): number {
    return this.#list.offsetHeight;
  }

  /** Whether the first row is that of the first line. */
  get hasStart(): boolean {
    const first = this.first;
    return first === undefined || this.#lines.isFirst(first.offset);
  }

  /** Whether the last row is that of the last line, and has all of it. */
  get hasEnd(): boolean {
    const { last } = this;
    if (!last) return this.#lines.size === 0;
    return this.#lines.isEnd(last.next);
  }

  /** Lines with their styles, from an offset on. */
  async from(offset: number, count: number): Promise<StyledLine[]> {
    return this.#styled(await this.#lines.from(offset, count));
  }

  /** Lines with their styles, before an offset. */
  async before(offset: number, count: number): Promise<StyledLine[]> {
    return this.#styled(await this.#lines.before(offset, count));
  }

  replace(lines: readonly StyledLine[]): void {
    this.#rows = lines.map((line) => this.#make(line));
    this.#list.replaceChildren(...this.#rows.map(({ element }) => element));
  }

  append(lines: readonly StyledLine[]): void {
    const rows = lines.map((line) => this.#make(line));
    this.#rows.push(...rows);
    this.#list.append(...rows.map(({ element }) => element));
  }

  prepend(lines: readonly StyledLine[]): void {
    const rows = lines.map((line) => this.#make(line));
    this.#rows.unshift(...rows);
    this.#list.prepend(...rows.map(({ element }) => element));
  }

  /** Replaces a row, for instance because its line has grown. */
  renew(row: Row, line: StyledLine): void {
    const at = this.#rows.indexOf(row);
    if (at === -1) return;
    this.#fill(row.element, line.line, line.style, this.#isFolded(line.line));
    const { offset, next, isEnded } = line.line;
    this.#rows[at] = { element: row.element, offset, next, isEnded };
    this.decorate(row.element, offset);
  }

  removeFirst(): void {
    this.#rows.shift()?.element.remove();
  }

  removeLast(): void {
    this.#rows.pop()?.element.remove();
  }

  /** The row that an element belongs to. */
  rowOf(node: Node | null): Row | undefined {
    return this.#rows.find(({ element }) => element.contains(node));
  }

  async #styled(lines: readonly Line[]): Promise<StyledLine[]> {
    return Promise.all(lines.map(async (line) => ({ line, style: await this.#styles.at(line.offset) })));
  }

  #make({ line, style }: StyledLine): Row {
    const element = document.createElement("div");
    element.className = "row";
    this.#fill(element, line, style, this.#isFolded(line));
    const { offset, next, isEnded } = line;
    this.decorate(element, offset);
    return { element, offset, next, isEnded };
  }

  #isFolded({ next }: Line): boolean {
    return this.#lines.folds.has(next);
  }
}
