/**
 * The box for the search: its hits, the next and the previous one, and their marks beside the scrollbar.
 * @module
 */
import type { Source } from "../bytes/source.ts";
import { announce, byId, inputById, onClick } from "../ui/dom.ts";
import { type Hit, MOST_HITS, NoSearch, search } from "./search.ts";

/** Milliseconds without typing before a search begins. */
const PAUSE_MS = 300;

/** What the box works with. */
export interface SearchBoxParts {
  readonly source: Source;
  readonly list: HTMLElement;
  readonly size: () => number;
  /** The offset of the first visible line. */
  readonly place: () => number;
  readonly jump: (offset: number) => Promise<void>;
  readonly onQuery: (text: string) => void;
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

  /** Searches for a text; none ends the search. */
  search(text: string): void {
    clearTimeout(this.#pause);
    if (this.#input.value !== text) this.#input.value = text;
    if (text === this.#text) return;
    this.#text = text;
    this.#hits = [];
    this.#at = -1;
    this.#current?.abort();
    this.#parts.onQuery(text);
    this.#tell("");
    this.highlight();
    this.drawMarks();
    if (text === "") return;
    const current = new AbortController();
    this.#current = current;
    void this.#run(text, current.signal);
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
    if (this.#text === "") return;
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

  async #run(text: string, signal: AbortSignal): Promise<void> {
    this.#tell("Searching …");
    try {
      await search(this.#parts.source, text, signal, (hits) => {
        if (signal.aborted) return;
        this.#hits.push(...hits);
        this.#tell(" …");
        this.drawMarks();
      });
      if (signal.aborted) return;
      this.#tell("");
      announce(byId("hits").textContent ?? "");
      this.highlight();
    } catch (error) {
      if (signal.aborted) return;
      this.#tell(error instanceof NoSearch ? error.message : "The search failed.");
    }
  }

  #enter(isBackward: boolean): void {
    if (this.#input.value === this.#text) this.step(isBackward ? -1 : 1);
    else this.search(this.#input.value);
  }

  #tell(more: string): void {
    const count = this.#hits.length;
    const found = count >= MOST_HITS ? `${MOST_HITS} or more` : String(count);
    const place = this.#at === -1 ? "" : `${this.#at + 1} of `;
    const isNone = count === 0 && more !== "";
    byId("hits").textContent = this.#text === "" ? "" : isNone ? more : `${place}${found} found${more}`;
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
