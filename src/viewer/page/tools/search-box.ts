/**
 * The box for the search: its hits, the next and the previous one, and their marks beside the scrollbar.
 * @module
 */
import type { Source } from "../bytes/source.ts";
import { humanBytes } from "../rows/row.ts";
import { announce, byId, inputById, onClick } from "../ui/dom.ts";
import { isExpression, MAX_SEARCHED, searchExpression } from "./expression.ts";
import { type Hit, MAX_HITS, NoSearch, search } from "./search.ts";

/** Milliseconds without typing before a search begins. */
const PAUSE_MS = 300;

/** Least milliseconds between two searches of what has arrived. */
const AGAIN_MS = 1_000;

/** What the box works with. */
export interface SearchBoxParts {
  readonly source: Source;
  readonly list: HTMLElement;
  readonly size: () => number;
  /** The offset of the first visible line. */
  readonly place: () => number;
  readonly jump: (offset: number) => Promise<void>;
  readonly onQuery: (text: string) => void;
  /** Called when there are more hits. */
  readonly onHits: () => void;
}

/** The search box. */
export class SearchBox {
  readonly #parts: SearchBoxParts;
  readonly #input = inputById("search");
  #hits: Hit[] = [];
  #at = -1;
  #text = "";
  #current: AbortController | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;
  /** Where to search on; undefined while a search runs, and if no more hits are wanted. */
  #next: number | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  /** What the search has left out. */
  #omitted = "";

  constructor(parts: SearchBoxParts) {
    this.#parts = parts;
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#pause);
      this.#pause = setTimeout(() => this.search(this.#input.value), PAUSE_MS);
    });
    this.#input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#enter(event.shiftKey);
      else if (event.key === "Escape") this.search("");
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    onClick("next", () => this.step(1));
    onClick("previous", () => this.step(-1));
    addEventListener("pagehide", () => this.#current?.abort());
  }

  /** Where the lines with hits begin. */
  get lines(): readonly number[] {
    return [...new Set(this.#hits.map(({ line }) => line))];
  }

  focus(): void {
    this.#input.focus();
    this.#input.select();
  }

  /** The path has grown: searches on. */
  grown(): void {
    if (this.#next === undefined || this.#text === "") return;
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      if (this.#next !== undefined && this.#current) void this.#run(this.#text, this.#next, this.#current.signal);
    }, AGAIN_MS);
  }

  /** Searches for a text; none ends the search. */
  search(text: string): void {
    clearTimeout(this.#pause);
    if (this.#input.value !== text) this.#input.value = text;
    if (text === this.#text) return;
    this.#text = text;
    this.#hits = [];
    this.#at = -1;
    this.#next = undefined;
    this.#omitted = "";
    this.#current?.abort();
    this.#parts.onQuery(text);
    this.#tell("");
    this.highlight();
    this.drawMarks();
    if (text === "") return;
    const current = new AbortController();
    this.#current = current;
    this.#tell("Searching …");
    void this.#run(text, 0, current.signal);
  }

  /** Goes to the next hit, or to the previous one. */
  step(by: 1 | -1): void {
    const hits = this.#hits;
    if (hits.length === 0) return;
    const place = this.#parts.place();
    if (this.#at === -1) {
      const next = hits.findIndex(({ line }) => line >= place);
      this.#at = by === 1 ? (next === -1 ? 0 : next) : (next <= 0 ? hits.length : next) - 1;
    } else this.#at = (this.#at + by + hits.length) % hits.length;
    const hit = hits[this.#at];
    this.#tell("");
    if (hit) void this.#parts.jump(hit.line).then(() => this.highlight());
  }

  /** Paints the text where it is visible. */
  highlight(): void {
    if (!("highlights" in CSS)) return;
    CSS.highlights.delete("hit");
    // A regular expression could take for ever here.
    if (this.#text === "" || isExpression(this.#text)) return;
    const ranges: Range[] = [];
    const wanted = this.#text.toLowerCase();
    for (const row of this.#parts.list.children) {
      const text = (row.textContent ?? "").toLowerCase();
      for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + wanted.length)) {
        const range = rangeIn(row, at, at + wanted.length);
        if (range) ranges.push(range);
      }
    }
    CSS.highlights.set("hit", new Highlight(...ranges));
  }

  /** Draws a mark for each hit beside the scrollbar. */
  drawMarks(): void {
    const canvas = byId("marks");
    if (!(canvas instanceof HTMLCanvasElement)) return;
    const { clientWidth: width, clientHeight: height } = canvas;
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    if (!context) return;
    context.fillStyle = getComputedStyle(canvas).color;
    for (const { offset } of this.#hits) context.fillRect(0, (offset / this.#parts.size()) * (height - 2), width, 2);
  }

  async #run(text: string, from: number, signal: AbortSignal): Promise<void> {
    this.#next = undefined;
    const size = this.#parts.size();
    try {
      const next = isExpression(text)
        ? await this.#searchExpression(text, from, signal)
        : await search(this.#parts.source, text, from, signal, (hits) => this.#found(hits, signal));
      if (signal.aborted) return;
      if (this.#hits.length < MAX_HITS) this.#next = next;
      this.#tell("");
      announce(byId("hits").textContent ?? "");
      this.highlight();
      if (this.#parts.size() > size) this.grown();
    } catch (error) {
      if (signal.aborted) return;
      this.#tell(error instanceof NoSearch ? error.message : "The search failed.");
    }
  }

  /** Returns where to search on; undefined if that would be too much. */
  async #searchExpression(expression: string, from: number, signal: AbortSignal): Promise<number | undefined> {
    const size = this.#parts.size();
    const to = Math.min(size, MAX_SEARCHED);
    if (to <= from) return from;
    const last = await searchExpression(this.#parts.source, { expression, from, to }, signal, ({ lines, cut }) => {
      if (cut > 0) this.#omitted = `, ${cut} long lines only up to ${humanBytes(1024 * 1024)}`;
      return this.#found(
        lines.map((line) => ({ offset: line, line })),
        signal,
      );
    });
    if (to < size) this.#omitted = ` in the first ${humanBytes(to)}`;
    return to < size ? undefined : last?.next;
  }

  /** Adds hits. Returns whether more are wanted. */
  #found(hits: readonly Hit[], signal: AbortSignal): boolean {
    if (signal.aborted) return false;
    // A line that was not complete is searched again.
    const last = this.#hits[this.#hits.length - 1]?.offset ?? -1;
    const added = hits.filter(({ offset }) => offset > last);
    this.#hits.push(...added.slice(0, MAX_HITS - this.#hits.length));
    this.#tell(" …");
    this.drawMarks();
    if (added.length > 0) this.#parts.onHits();
    return this.#hits.length < MAX_HITS;
  }

  #enter(isBackward: boolean): void {
    if (this.#input.value === this.#text) this.step(isBackward ? -1 : 1);
    else this.search(this.#input.value);
  }

  #tell(more: string): void {
    const count = this.#hits.length;
    const found = count >= MAX_HITS ? `${MAX_HITS} or more` : String(count);
    const place = this.#at === -1 ? "" : `${this.#at + 1} of `;
    const isNone = count === 0 && more !== "";
    byId("hits").textContent = this.#text === "" ? "" : isNone ? more : `${place}${found} found${this.#omitted}${more}`;
  }
}

/** The range of some characters of a row. */
function rangeIn(row: Element, from: number, to: number): Range | undefined {
  const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  let at = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.nodeValue?.length ?? 0;
    if (from >= at && from < at + length) range.setStart(node, from - at);
    if (to > at && to <= at + length) {
      range.setEnd(node, to - at);
      return range;
    }
    at += length;
  }
  return undefined;
}
