/**
 * Opens the places that the hash of the address names.
 * @module
 */
import type { Lines } from "./bytes/lines.ts";
import type { Scroller } from "./rows/scroller.ts";
import { parseLink } from "./tools/links.ts";
import type { Marked } from "./tools/marked.ts";
import { jumpTo } from "./tools/rewrites.ts";
import { showBanner } from "./ui/dom.ts";

/** What the places are in. */
export interface PlacesParts {
  readonly lines: Lines;
  readonly scroller: Scroller;
  readonly marked: Marked;
  /** Settles when the lines of the stored bytes are counted, or can't be; then with the reason. */
  readonly counted: () => Promise<string | undefined>;
  readonly isCounted: () => boolean;
  /** Whether no line is shown so far. */
  readonly isBlank: () => boolean;
  readonly search: (text: string) => void;
  /** Called when lines were marked. */
  readonly onMarked: () => void;
}

/** A link that was opened. */
interface Link {
  /** How many links had been opened then. */
  readonly count: number;
  /** How often the reader had moved. */
  readonly moves: number;
}

/** The places of a log. */
export class Places {
  readonly #parts: PlacesParts;
  /** Counts the links that were opened. An earlier one whose bytes arrive later is dropped. */
  #links = 0;

  constructor(parts: PlacesParts) {
    this.#parts = parts;
  }

  /** Shows the place that the hash of the address names; without one, the end. */
  async open(): Promise<void> {
    const { scroller, isBlank, search } = this.#parts;
    const { lines: numbers, bytes, query } = parseLink(location.hash);
    // It may end the filter, which shows other rows.
    if (query !== undefined) search(query);
    const link = { count: ++this.#links, moves: scroller.moves };
    if (bytes) return this.#openBytes(link, bytes, numbers);
    if (numbers) return this.#openLines(link, numbers);
    if (isBlank()) await scroller.follow();
  }

  async #openLines(link: Link, [first, last]: readonly [number, number]): Promise<void> {
    const { lines, scroller, counted, isCounted, isBlank } = this.#parts;
    const refusal = await counted();
    const from = await lines.find(first);
    if (!this.#isLast(link)) return;
    if (from === undefined || from >= lines.size) {
      if (isBlank()) await scroller.follow();
      if (refusal !== undefined) showBanner(`Line ${first} can't be found by its number. ${refusal}`);
      else if (isCounted()) showBanner(`There is no line ${first} yet.`);
      return;
    }
    const to = (await lines.find(last + 1)) ?? lines.size;
    if (this.#isLast(link)) await this.#openRange(link, from, to);
  }

  async #openBytes(
    link: Link,
    [from, to]: readonly [number, number],
    numbers?: readonly [number, number],
  ): Promise<void> {
    const { lines } = this.#parts;
    if (from > lines.size) return showBanner(`There is no byte ${from} yet.`);
    const start = await lines.floor(Math.min(from, Math.max(0, lines.size - 1)));
    if (!this.#isLast(link)) return;
    await this.#openRange(link, start, Math.max(to, start + 1));
    if (numbers) void this.#checkNumber(link, start, numbers[0]);
  }

  /** Says so if the bytes of a link are not those of its line: then it was made for other content. */
  async #checkNumber(link: Link, start: number, number: number): Promise<void> {
    const { lines, counted } = this.#parts;
    await counted();
    const found = lines.number(start);
    if (found === undefined || found === number || !this.#isLast(link)) return;
    showBanner(`This is line ${found}. The link says ${number}: it was made for other content.`);
  }

  /** Marks a range, and shows it, unless the reader has gone elsewhere while it was looked for. */
  async #openRange({ moves }: Link, from: number, to: number): Promise<void> {
    const { lines, scroller, marked, isBlank, onMarked } = this.#parts;
    showBanner("");
    marked.set(from, to);
    if (isBlank() || scroller.moves === moves) await jumpTo(lines, scroller, from, 0.25);
    onMarked();
  }

  #isLast({ count }: Link): boolean {
    return count === this.#links;
  }
}
