/**
 * The box for the search: its hits, the next and the previous one, and their marks beside the scrollbar.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import type { Source } from "../bytes/source.ts";
import { humanBytes } from "../rows/row.ts";
import { announce, byId, inputById, onClick } from "../ui/dom.ts";
import { isExpression, MAX_SEARCHED, searchExpression } from "./expression.ts";
import { type FindEnd, type Hit, type Range as HitRange, Hits, type HitsParts } from "./hits.ts";
import { rangesIn } from "./ranges.ts";
import { NoSearch, search } from "./search.ts";

/** Milliseconds without typing before a search begins. */
const PAUSE_MS = 300;

/** Least milliseconds between two searches of what has arrived. */
const AGAIN_MS = 1_000;

/** What the box works with. */
export interface SearchBoxParts {
  readonly source: Source;
  readonly lines: Lines;
  readonly list: HTMLElement;
  /** The offset of the first visible line. */
  readonly place: () => number;
  /** Goes to a hit. */
  readonly jump: (hit: Hit) => Promise<void>;
  /** Moves a part of a row into view. */
  readonly reveal: (range: Range) => void;
  readonly onQuery: (text: string) => void;
  /** Called when there are other hits. */
  readonly onHits: () => Promise<void>;
}

/** The search box. */
export class SearchBox {
  readonly #parts: SearchBoxParts;
  readonly #input = inputById("search");
  #text = "";
  #hits: Hits | undefined;
  /** The hit to which the reader has gone. */
  #hit: Hit | undefined;
  #current: AbortController | undefined;
  #pause: ReturnType<typeof setTimeout> | undefined;
  /** Whether to search on when the path has grown. */
  #mayGrow = false;
  #again: ReturnType<typeof setTimeout> | undefined;
  /** Settles when the reader has gone to the last wanted hit. */
  #steps = Promise.resolve();
  /** What the search has left out: of lines, and of the path. */
  #omitted = { lines: "", bytes: "" };

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

  /** Where the lines with hits begin: with the first ones, or with those around the hit to which the reader has gone. */
  get lines(): readonly number[] {
    return [...new Set(this.#hits?.around(this.#hit).map(({ line }) => line))];
  }

  focus(): void {
    this.#input.focus();
    this.#input.select();
  }

  /** The path has grown: searches on. */
  grown(): void {
    if (this.#text === "") return;
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      // All marks have another place now.
      this.drawMarks();
      if (this.#mayGrow && this.#hits && this.#current) void this.#run(this.#hits, this.#current.signal);
    }, AGAIN_MS);
  }

  /** Searches for a text; none ends the search. */
  search(text: string): void {
    clearTimeout(this.#pause);
    if (this.#input.value !== text) this.#input.value = text;
    if (text === this.#text) return;
    this.#text = text;
    this.#hit = undefined;
    this.#mayGrow = false;
    this.#omitted = { lines: "", bytes: "" };
    this.#current?.abort();
    const current = new AbortController();
    this.#current = current;
    this.#hits = text === "" ? undefined : new Hits(this.#finder(text, current.signal));
    this.#parts.onQuery(text);
    this.#tell("");
    this.highlight();
    this.drawMarks();
    if (!this.#hits) return;
    this.#tell("Searching …");
    void this.#run(this.#hits, current.signal);
  }

  /** Goes to the next hit, or to the previous one. */
  step(by: 1 | -1): void {
    const { signal } = this.#current ?? {};
    if (signal) this.#steps = this.#steps.then(() => this.#step(by, signal));
  }

  async #step(by: 1 | -1, signal: AbortSignal): Promise<void> {
    const hits = this.#hits;
    if (signal.aborted || !hits) return;
    const from = this.#hit ? this.#hit.offset + (by === 1 ? 1 : 0) : this.#parts.place();
    try {
      const hit = await (by === 1 ? hits.after(from) : hits.before(from));
      if (signal.aborted) return;
      this.#hit = hit ?? this.#hit;
      this.#tell("");
      if (!hit) return;
      await this.#parts.onHits();
      await this.#parts.jump(hit);
    } catch (error) {
      this.#failed(error, signal);
      return;
    }
    this.highlight();
    this.#reveal();
  }

  /** Paints the text where it is visible. */
  highlight(): void {
    if (!("highlights" in CSS)) return;
    CSS.highlights.delete("hit");
    if (!this.#isText) return;
    const ranges = [...this.#parts.list.children].flatMap((row) => rangesIn(row, this.#text));
    CSS.highlights.set("hit", new Highlight(...ranges));
  }

  /** Whether to look for the text in rows. A regular expression could take for ever here. */
  get #isText(): boolean {
    return this.#text !== "" && !isExpression(this.#text);
  }

  /** Moves the hit into view, which may be far behind the beginning of its line. */
  #reveal(): void {
    const row = this.#hit && this.#parts.list.querySelector(`[data-offset="${this.#hit.line}"]`);
    if (!this.#hit || !row || !this.#isText) return;
    const range = rangesIn(row, this.#text)[this.#hits?.inLine(this.#hit) ?? 0];
    if (range) this.#parts.reveal(range);
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
    const { size } = this.#parts.lines;
    for (const { offset } of this.#hits?.all ?? []) context.fillRect(0, (offset / size) * (height - 2), width, 2);
  }

  /** Looks for the first hits, and for those that have come since. */
  async #run(hits: Hits, signal: AbortSignal): Promise<void> {
    this.#mayGrow = false;
    const { size } = this.#parts.lines;
    try {
      const mayGrow = await hits.search();
      if (signal.aborted) return;
      this.#mayGrow = mayGrow;
      this.#tell("");
      announce(byId("hits").textContent ?? "");
      this.highlight();
      if (this.#parts.lines.size > size) this.grown();
    } catch (error) {
      this.#failed(error, signal);
    }
  }

  #failed(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#tell(error instanceof NoSearch ? error.message : "The search failed.");
  }

  /** How to find a text. */
  #finder(text: string, signal: AbortSignal): HitsParts {
    const { source, lines } = this.#parts;
    const isByWorker = isExpression(text);
    return {
      floor: (offset) => lines.lineStart(offset),
      size: () => lines.size,
      mostBytes: isByWorker ? MAX_SEARCHED : Number.POSITIVE_INFINITY,
      find: async (range, onHits) => {
        if (signal.aborted) return undefined;
        const wanted = (hits: readonly Hit[]): boolean => !signal.aborted && onHits(hits);
        const end = isByWorker
          ? await this.#findExpression(text, range, signal, wanted)
          : await search(source, text, range, signal, wanted);
        return signal.aborted ? undefined : end;
      },
      onFound: () => {
        this.#tell(" …");
        this.drawMarks();
        void this.#parts.onHits();
      },
    };
  }

  async #findExpression(
    expression: string,
    { from, to }: HitRange,
    signal: AbortSignal,
    onHits: (hits: readonly Hit[]) => boolean,
  ): Promise<FindEnd | undefined> {
    const { source, lines } = this.#parts;
    const { size } = lines;
    // Lines are tested as a whole.
    const last = to === undefined ? size : await lines.lineEnd(Math.max(0, to - 1));
    const end = Math.min(last, from + MAX_SEARCHED);
    if (end <= from) return { next: from, size };
    if (from === 0 && end < last) this.#omitted.bytes = ` in the first ${humanBytes(end)}`;
    const found = await searchExpression(source, { expression, from, to: end }, signal, (piece) => {
      if (piece.cut > 0) this.#omitted.lines = `, ${piece.cut} long lines only up to ${humanBytes(1024 * 1024)}`;
      const inside = piece.lines.filter((line) => line < (to ?? size));
      return onHits(inside.map((line) => ({ offset: line, line })));
    });
    return found && { next: found.next, size: found.isEnd && end === size ? size : undefined };
  }

  #enter(isBackward: boolean): void {
    if (this.#input.value === this.#text) this.step(isBackward ? -1 : 1);
    else this.search(this.#input.value);
  }

  #tell(more: string): void {
    byId("hits").textContent = this.#hits ? this.#words(this.#hits, more) : "";
  }

  #words(hits: Hits, more: string): string {
    const { count, isMore, isFirst } = hits.count;
    if (count === 0 && more !== "") return more;
    const number = this.#hit && (hits.numberOf(this.#hit) ?? "One");
    const place = number === undefined ? "" : `${number} of `;
    const { lines, bytes } = this.#omitted;
    return `${place}${count}${isMore ? " or more" : ""} found${isFirst ? bytes : ""}${lines}${more}`;
  }
}
