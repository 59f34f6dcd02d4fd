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
import { Places } from "./places.ts";
import { Overwritten } from "./rows/overwritten.ts";
import { humanBytes } from "./rows/row.ts";
import { type LineView, type Row, Rows } from "./rows/rows.ts";
import { Scroller } from "./rows/scroller.ts";
import { Styles } from "./rows/styles.ts";
import { askForToken } from "./start.ts";
import type { Status } from "./status.ts";
import { Arrivals } from "./tools/arrivals.ts";
import type { Filter } from "./tools/filter.ts";
import { Collapsed, toggleGroup } from "./tools/folds.ts";
import { parseLink } from "./tools/links.ts";
import { Marked } from "./tools/marked.ts";
import { reveal, showGrowth, showHit } from "./tools/rewrites.ts";
import { SearchBox } from "./tools/search-box.ts";
import { byId } from "./ui/dom.ts";
import { newLines, Summary } from "./ui/summary.ts";

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
  readonly #places: Places;
  /** The filter, once it has been used. */
  filter: Filter | undefined;
  readonly #summary = new Summary(() => this.rows.last?.element.textContent ?? "");
  readonly #collapsed = new Collapsed();
  /** Whether groups are being hidden. */
  #isCollapsing = false;
  /** Lines that have arrived since the end was last in view. */
  #newLines = 0;
  /** The animation frame in which the page responds to a move; 0 if none is requested. */
  #frame = 0;
  /** Settles when the line counts of the stored bytes are known, or can't be had; then with the reason. */
  #counted: Promise<string | undefined> = Promise.resolve(undefined);

  /** @param view How lines are shown; undefined for those of a log. */
  constructor(source: Source, status: Status, view?: LineView) {
    this.#source = source;
    this.#status = status;
    this.#blocks = new Blocks(source);
    this.lines = new (view?.Type ?? Lines)(this.#blocks, this.#index);
    if (!view) this.lines.overwritten = new Overwritten(this.#blocks);
    this.marked = new Marked(this.lines);
    const list = byId("rows");
    this.rows = new Rows(list, this.lines, new Styles(view?.isPlain ? undefined : this.#blocks), view?.fill);
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
      ...{ source, list, lines: this.lines },
      // Bytes and parts of long lines of JSON have rows of their own.
      jump: async (hit) => showHit(this.lines, this.scroller, { ...hit, line: await this.lines.floor(hit.offset) }),
      reveal: (range) => reveal(this.scroller, range),
      place: () => this.scroller.visible.first?.offset ?? 0,
      onQuery: (text) => {
        void this.filter?.end();
        this.marked.query = text;
        this.marked.writeAddress();
      },
      onHits: async () => this.filter?.update(),
    });
    this.#places = new Places({
      ...{ lines: this.lines, scroller: this.scroller, marked: this.marked },
      counted: () => this.#counted,
      isCounted: () => this.#index.isKnown(1),
      isBlank: () => this.rows.all.length === 0,
      search: (text) => this.search.search(text),
      onMarked: () => {
        this.redecorate();
        this.#number();
      },
    });
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
    this.#counted = shown.then(() => this.#count(until));
    await (needsCounts ? this.openLink() : shown);
  }

  /** Counts the lines of the stored bytes. Returns why that can't be done. */
  async #count(until: number): Promise<string | undefined> {
    try {
      const refusal = await loadCounts(this.#source, this.#index, until);
      // The worker may not have received the last block yet.
      const last = until === this.#blocks.size ? undefined : await this.#blocks.get(until / BLOCK_BYTES);
      if (last) this.#index.set(until / BLOCK_BYTES, [last.starts.length]);
      return refusal;
    } catch (error) {
      showFailure(this.#status, error);
      return undefined;
    } finally {
      this.#number();
    }
  }

  /** Shows the place that the hash of the address names; without one, the end. */
  async openLink(): Promise<void> {
    await this.#places.open();
  }

  /** Updates which of the present rows are marked. */
  redecorate(): void {
    for (const { element, offset } of this.rows.all) this.rows.decorate(element, offset);
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
    void showGrowth(this.lines, this.scroller, before).then(() => this.#afterGrowth(added));
  }

  #afterGrowth(added: number): void {
    if (this.scroller.isFollowing) this.#summary.add(added);
    else this.#summary.clear();
    if (this.scroller.isFollowing) this.#newLines = 0;
    this.#showNews();
    this.search.highlight();
    this.search.grown();
  }

  #showNews(): void {
    const button = byId("news");
    button.hidden = this.scroller.isFollowing || this.#newLines === 0;
    button.textContent = `↓ ${newLines(this.#newLines)}`;
  }

  #moved(): void {
    this.#frame = 0;
    this.search.highlight();
    if (this.scroller.isFollowing) this.#newLines = 0;
    byId("follow").setAttribute("aria-pressed", String(this.scroller.isFollowing));
    this.#showNews();
    this.#number();
    void this.#collapse();
  }

  /** Hides the groups in the document that begin hidden, unless the reader is inside. */
  async #collapse(): Promise<void> {
    const found = [...byId("rows").querySelectorAll("[data-collapsed]")].flatMap((fold) => this.rows.rowOf(fold) ?? []);
    if (found.length === 0 || this.#isCollapsing) return;
    this.#isCollapsing = true;
    try {
      const offsets = found.map(({ offset }) => offset);
      const isInside = (from: number, to: number): boolean => {
        const at = this.scroller.visible.first?.offset ?? 0;
        return !this.scroller.isFollowing && from <= at && at < to;
      };
      if (!(await this.#collapsed.hide(this.lines, offsets, isInside))) return;
      await (this.scroller.isFollowing ? this.scroller.follow() : this.scroller.reload());
    } finally {
      this.#isCollapsing = false;
    }
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
