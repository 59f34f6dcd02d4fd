/**
 * The view of a path as lines.
 * @module
 */
import { BLOCK_BYTES, type Grown } from "../shared/messages.ts";
import { Blocks } from "./bytes/blocks.ts";
import { LineIndex, loadCounts } from "./bytes/line-index.ts";
import { Lines } from "./bytes/lines.ts";
import type { Source } from "./bytes/source.ts";
import { showFailure, showReplaced } from "./failure.ts";
import { Follower } from "./follower.ts";
import { Overwritten } from "./rows/overwritten.ts";
import { fillRow, humanBytes } from "./rows/row.ts";
import { type Row, Rows } from "./rows/rows.ts";
import { Scroller } from "./rows/scroller.ts";
import { Styles } from "./rows/styles.ts";
import { askForToken } from "./start.ts";
import type { Status } from "./status.ts";
import { Filter } from "./tools/filter.ts";
import { toggleGroup } from "./tools/folds.ts";
import { parseLink } from "./tools/links.ts";
import { Marked } from "./tools/marked.ts";
import { jumpTo, showGrowth } from "./tools/rewrites.ts";
import { SearchBox } from "./tools/search-box.ts";
import { Arrivals } from "./tools/times.ts";
import { announce, byId, showBanner } from "./ui/dom.ts";
import { HexLines } from "./views/hex.ts";
import { fillJsonRow } from "./views/json-lines.ts";
import type { Kind } from "./views/kinds.ts";

/** Milliseconds between two summaries for screen readers. */
const SUMMARY_MS = 5_000;

/** A path that is shown line by line. */
export class LogView {
  readonly #source: Source;
  readonly #status: Status;
  readonly #blocks: Blocks;
  readonly #index = new LineIndex();
  readonly lines: Lines;
  readonly marked: Marked;
  readonly arrivals = new Arrivals();
  readonly rows: Rows;
  readonly scroller: Scroller;
  readonly search: SearchBox;
  readonly follower: Follower;
  /** Lines that have arrived since the end was last in view, or last announced. */
  #newLines = 0;
  /** The animation frame in which the page responds to a move; 0 if none is requested. */
  #frame = 0;
  #summaryMs = 0;
  /** Counts the links that were opened. An earlier one whose bytes arrive later is dropped. */
  #links = 0;
  /** Settles when the line counts of the stored bytes are known, or can't be had. */
  #counted: Promise<void> = Promise.resolve();

  constructor(source: Source, status: Status, kind: Kind) {
    this.#source = source;
    this.#status = status;
    this.#blocks = new Blocks(source);
    this.lines = new (kind === "hex" ? HexLines : Lines)(this.#blocks, this.#index);
    if (kind === "log") this.lines.overwritten = new Overwritten(this.#blocks);
    this.marked = new Marked(this.lines);
    const list = byId("rows");
    const fill = kind === "json" ? fillJsonRow : fillRow;
    this.rows = new Rows(list, this.lines, new Styles(kind === "hex" ? undefined : this.#blocks), fill);
    this.rows.decorate = (row, offset) => {
      this.#numberRow(row, offset);
      row.classList.toggle("marked", this.marked.has(offset));
      const seenMs = this.arrivals.at(offset);
      if (seenMs !== undefined) row.dataset.seen = new Date(seenMs).toLocaleTimeString("en-GB");
      row.classList.toggle("around", this.lines.only?.isAround(offset) === true);
    };
    this.scroller = new Scroller({
      ...{ view: byId("view"), space: byId("space"), window: byId("window"), list },
      ...{ rows: this.rows, lines: this.lines },
      onMoved: () => {
        this.#frame ||= requestAnimationFrame(() => this.#moved());
      },
      onError: (error) => showFailure(status, error),
    });
    this.search = new SearchBox({
      ...{
        source,
        list,
        size: () => this.#blocks.size,
        jump: (offset: number) => jumpTo(this.lines, this.scroller, offset, 0.3),
      },
      place: () => this.scroller.visible.first?.offset ?? 0,
      onQuery: (text) => {
        void filter.end();
        this.marked.query = text;
        this.marked.writeAddress();
      },
      onHits: () => void filter.update(),
    });
    const filter = new Filter({ lines: this.lines, scroller: this.scroller, hits: () => this.search.lines });
    this.follower = new Follower({
      ...{ source, status, size: () => this.#blocks.size },
      onGrown: (message) => this.#grown(message),
      onReplaced: (reason) => showReplaced(status, reason),
      onUnauthorized: (message) => void askForToken(source, message).then(() => this.follower.start()),
    });
    list.addEventListener("click", (event) => void this.#clicked(event));
    addEventListener("hashchange", () => void this.openLink());
    document.addEventListener("selectionchange", () => this.#selected(list));
  }

  /** Shows the path, and follows it. */
  async open(size: number): Promise<void> {
    this.#blocks.size = size;
    this.#showSize();
    this.follower.start();
    const until = Math.floor(size / BLOCK_BYTES) * BLOCK_BYTES;
    const { lines, bytes } = parseLink(location.hash);
    // A link with a number alone needs the counts; all other places are shown before the counts are asked for.
    const needsCounts = lines !== undefined && !bytes;
    const shown = needsCounts ? Promise.resolve() : this.openLink();
    this.#counted = shown
      .then(() => loadCounts(this.#source, this.#index, until))
      .then(() => this.#countLast(until))
      .catch((error) => showFailure(this.#status, error))
      .then(() => this.#number());
    await (needsCounts ? this.openLink() : shown);
  }

  /** Counts the lines of the last block, which the worker may not have received yet. */
  async #countLast(until: number): Promise<void> {
    if (until === this.#blocks.size) return;
    const block = until / BLOCK_BYTES;
    const { starts } = await this.#blocks.get(block);
    this.#index.set(block, [starts.length]);
  }

  /** Shows the place that the hash of the address names; without one, the end. */
  async openLink(): Promise<void> {
    const link = ++this.#links;
    const { lines: numbers, bytes, query } = parseLink(location.hash);
    if (query !== undefined) this.search.search(query);
    if (bytes) return this.#openBytes(link, bytes, numbers);
    if (!numbers) {
      if (this.rows.all.length === 0) await this.scroller.follow();
      return;
    }
    await this.#counted;
    const [first, last] = numbers;
    const from = await this.lines.find(first);
    if (link !== this.#links) return;
    if (from === undefined || from >= this.lines.size) {
      if (this.rows.all.length === 0) await this.scroller.follow();
      if (this.#index.isKnown(1)) showBanner(`There is no line ${first} yet.`);
      return;
    }
    const to = (await this.lines.find(last + 1)) ?? this.lines.size;
    if (link === this.#links) await this.#openRange(from, to);
  }

  /** Updates which of the present rows are marked. */
  redecorate(): void {
    for (const { element, offset } of this.rows.all) this.rows.decorate(element, offset);
  }

  async #openBytes(
    link: number,
    [from, to]: readonly [number, number],
    numbers?: readonly [number, number],
  ): Promise<void> {
    if (from > this.lines.size) return showBanner(`There is no byte ${from} yet.`);
    const start = await this.lines.floor(Math.min(from, Math.max(0, this.lines.size - 1)));
    if (link !== this.#links) return;
    await this.#openRange(start, Math.max(to, start + 1));
    if (numbers) void this.#checkNumber(link, start, numbers[0]);
  }

  /** Says so if the bytes of a link are not those of its line: then it was made for other content. */
  async #checkNumber(link: number, start: number, number: number): Promise<void> {
    await this.#counted;
    const found = this.lines.number(start);
    if (found === undefined || found === number || link !== this.#links) return;
    showBanner(`This is line ${found}. The link says ${number}: it was made for other content.`);
  }

  async #openRange(from: number, to: number): Promise<void> {
    showBanner("");
    this.marked.set(from, to);
    await jumpTo(this.lines, this.scroller, from, 0.25);
    this.redecorate();
    this.#number();
  }

  #grown({ size, bytes, counts, firstBlock }: Grown): void {
    const before = this.#blocks.size;
    const added = counts.reduce((sum, count, at) => sum + count - (this.#index.in(firstBlock + at) ?? 0), 0);
    this.#index.set(firstBlock, counts);
    this.#blocks.put(size - bytes.length, bytes);
    if (size <= before) {
      this.#number();
      return;
    }
    this.#showSize();
    this.arrivals.add(before, size, Date.now());
    this.#newLines += added;
    void showGrowth(this.lines, this.scroller, before).then(() => this.#afterGrowth());
  }

  #afterGrowth(): void {
    const { isFollowing } = this.scroller;
    const count = this.#newLines;
    if (isFollowing && performance.now() - this.#summaryMs > SUMMARY_MS && count > 0) {
      this.#summaryMs = performance.now();
      announce(`${count} new lines. Last: ${this.rows.last?.element.textContent?.slice(0, 200) ?? ""}`);
    }
    if (isFollowing) this.#newLines = 0;
    this.#showNews();
    this.search.highlight();
    this.search.grown();
  }

  #showNews(): void {
    const button = byId("news");
    button.hidden = this.scroller.isFollowing || this.#newLines === 0;
    button.textContent = `↓ ${this.#newLines.toLocaleString("en")} new lines`;
  }

  #moved(): void {
    this.#frame = 0;
    this.search.highlight();
    if (this.scroller.isFollowing) this.#newLines = 0;
    byId("follow").setAttribute("aria-pressed", String(this.scroller.isFollowing));
    this.#showNews();
    this.#number();
  }

  /** Numbers a row if its number is known. Returns the number, or 0. */
  #numberRow({ dataset }: HTMLElement, offset: number): number {
    const number = dataset.n ?? this.lines.number(offset);
    if (number === undefined) return 0;
    dataset.n ??= String(number);
    return Number(number);
  }

  /** Numbers the rows whose numbers were not known when they were made, and makes room for the longest. */
  #number(): void {
    const list = byId("rows");
    let highest = 0;
    for (const { element, offset } of this.rows.all) highest = Math.max(highest, this.#numberRow(element, offset));
    const digits = String(highest).length;
    if (highest === 0 || digits <= Number(list.dataset.digits ?? 0)) return;
    this.scroller.keepAnchor(() => {
      list.dataset.digits = String(digits);
      list.style.setProperty("--digits", String(digits));
    });
  }

  #showSize(): void {
    const { size } = this.#blocks;
    byId("size").textContent = size === 0 ? "" : humanBytes(size);
    byId("empty").hidden = size > 0;
  }

  async #clicked(event: MouseEvent): Promise<void> {
    const { target } = event;
    const row = target instanceof Node ? this.rows.rowOf(target) : undefined;
    if (!row || !(target instanceof Element)) return;
    if (target.matches(".fold")) return this.fold(row);
    if (target.matches(".others")) {
      await this.lines.overwritten?.open(row.offset);
      return this.scroller.reload();
    }
    if (target.matches(".more")) {
      this.lines.expand(row.offset);
      return this.scroller.renew(row);
    }
    const gutter = Number.parseFloat(getComputedStyle(row.element).paddingInlineStart);
    if (event.clientX - byId("window").getBoundingClientRect().left > gutter) return;
    this.scroller.stay();
    this.marked.pick(row, event.shiftKey);
    this.redecorate();
    this.#moved();
  }

  /** Hides the lines of a group, or shows them again. */
  async fold(row: Row): Promise<void> {
    if (await toggleGroup(this.lines, row)) await this.scroller.reload();
  }

  #selected(list: HTMLElement): void {
    const selection = getSelection();
    if (selection && !selection.isCollapsed && list.contains(selection.anchorNode)) {
      this.scroller.stay();
      this.#moved();
    }
  }
}
