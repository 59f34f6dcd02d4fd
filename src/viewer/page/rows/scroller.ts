/**
 * The scroller. Its coordinate is the byte offset: only lines around the window have rows, and the scrollbar has the position
 * of the first visible byte. So the size of the path does not matter.
 * @module
 */
import { Anchor } from "./anchor.ts";
import { BATCH, marginOf, screenfulOf, trim } from "./margins.ts";
import type { Row, Rows } from "./rows.ts";
import { IDLE_MS, Scrollbar } from "./scrollbar.ts";
import type { ScrollerParts } from "./scroller-parts.ts";

/** The scroller. */
export class Scroller {
  readonly #parts: ScrollerParts;
  readonly #bar: Scrollbar;
  /** Pixels of the list above the window. */
  #y = 0;
  /** Pixels of a move that wait for rows. */
  #debt = 0;
  /** Counts the moves to other places, but not those that keep the end or the first row in view. */
  moves = 0;
  /** Counts the jumps. Rows that an earlier one has read are dropped. */
  #jumps = 0;
  #filling: Promise<void> | undefined;
  #mustFillAgain = false;
  readonly #anchor: Anchor;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #isFollowing = true;

  constructor(parts: ScrollerParts) {
    this.#parts = parts;
    this.#bar = new Scrollbar(parts);
    this.#anchor = new Anchor(parts.window);
    parts.view.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.keepAnchor(() => this.#bar.resized())).observe(parts.window);
  }

  /** Whether the end stays in view while the path grows. */
  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  /** Stops following. */
  stay(): void {
    this.#isFollowing = false;
  }

  /** The first row in view, and the last one. */
  get visible(): { first: Row | undefined; last: Row | undefined } {
    const { rows } = this.#parts;
    return { first: rows.at(this.#y) ?? rows.last, last: rows.at(this.#y + this.#height) ?? rows.last };
  }

  /** Shows the line at an offset, at a fraction of the height of the window. */
  async jump(offset: number, part = 0): Promise<void> {
    const { lines } = this.#parts;
    this.moves++;
    this.#isFollowing = false;
    await this.#showLine(Math.min(offset, Math.max(0, lines.size - 1)), Math.floor(this.#height * part));
  }

  /** Shows the end, and follows it from now on. */
  async follow(): Promise<void> {
    this.#isFollowing = true;
    await this.#toEnd(false);
  }

  /** Moves by pixels. */
  moveBy(pixels: number): void {
    this.moves++;
    if (pixels < 0) this.#isFollowing = false;
    this.#adapt();
    this.#y += pixels;
    this.#repay();
    const { rows } = this.#parts;
    if (pixels > 0 && rows.hasEnd && this.#y >= rows.height - this.#height - 1) this.#isFollowing = true;
    void this.#fill();
    this.#settle();
  }

  /** Moves by a number of pages. */
  moveByPages(pages: number): void {
    this.moveBy(pages * Math.max(40, this.#height - 40));
  }

  /** Shows the lines that have arrived. */
  async grown(): Promise<void> {
    const { rows, lines } = this.#parts;
    const { last } = rows;
    if (this.#isFollowing) return this.#toEnd(last !== undefined && lines.size - last.next < 16 * 1024);
    if (last && !last.isEnded) await this.#renew(last);
    await this.#fill();
    this.#sync();
  }

  /** Changes the layout, and keeps the position of the first visible row. */
  keepAnchor(change: () => void): void {
    change();
    if (this.#isFollowing) this.#y = Number.MAX_SAFE_INTEGER;
    else this.#return();
    this.#place();
    void this.#fill().then(() => this.#sync());
  }

  /** Reads the rows again at the same place, after lines were hidden or shown. */
  async reload(): Promise<void> {
    const { row, inside } = this.#anchor;
    if (row) await this.#showLine(row.offset, -inside);
  }

  /** Moves back to the anchor. */
  #return(): void {
    this.#y = this.#anchor.y ?? this.#y;
    this.#debt = 0;
  }

  /** Shows a line, some pixels below the top of the window. */
  async #showLine(offset: number, pixels: number): Promise<void> {
    const { rows, lines } = this.#parts;
    let start = 0;
    const isShown = await this.#show(async () => {
      start = await lines.row(offset);
      return rows.from(start, screenfulOf(this.#height));
    });
    if (isShown) this.#align(start, pixels);
  }

  /** Moves the row of a line to some pixels below the top of the window. Near the end of the path, it may be lower. */
  #align(offset: number, pixels: number): void {
    const row = this.#parts.rows.all.find((one) => one.offset === offset);
    if (row) this.#y = row.element.offsetTop - pixels;
    this.#place();
    void this.#fill();
    this.#settle();
  }

  get #height(): number {
    return this.#parts.window.clientHeight;
  }

  /** Shows other rows. Resolves to whether they are still shown: a later jump may have replaced them. */
  async #show(read: () => ReturnType<Rows["from"]>, atEnd = false): Promise<boolean> {
    const jump = ++this.#jumps;
    try {
      const lines = await read();
      if (jump !== this.#jumps) return false;
      // A key may have moved the former rows to their end while these were read.
      if (!atEnd) this.#isFollowing = false;
      this.#parts.rows.replace(lines);
      this.#y = atEnd ? Number.MAX_SAFE_INTEGER : 0;
      this.#debt = 0;
      this.#place();
    } catch (error) {
      this.#parts.onError(error);
      return false;
    }
    await this.#fill();
    if (jump !== this.#jumps) return false;
    if (atEnd) this.#y = Number.MAX_SAFE_INTEGER;
    this.#place();
    this.#sync();
    return true;
  }

  async #toEnd(isNear: boolean): Promise<void> {
    const { rows, lines } = this.#parts;
    if (!isNear) return void (await this.#show(() => rows.before(lines.size, screenfulOf(this.#height)), true));
    if (rows.last && !rows.last.isEnded) await this.#renew(rows.last);
    this.#y = Number.MAX_SAFE_INTEGER;
    await this.#fill();
    this.#y = Number.MAX_SAFE_INTEGER;
    this.#place();
    this.#sync();
  }

  /** Reads the line of a row again. */
  async #renew(row: Row): Promise<void> {
    const jump = this.#jumps;
    try {
      const [line] = await this.#parts.rows.from(row.offset, 1);
      if (line && jump === this.#jumps) this.#parts.rows.renew(row, line);
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  /** Reads a line again, for instance to show more of it. */
  async renew(row: Row): Promise<void> {
    await this.#renew(row);
    await this.#fill();
  }

  /** Adds rows until there are enough above and below the window. */
  #fill(): Promise<void> {
    this.#mustFillAgain = true;
    this.#filling ??= this.#addAll().finally(() => {
      this.#filling = undefined;
    });
    return this.#filling;
  }

  async #addAll(): Promise<void> {
    try {
      while (this.#mustFillAgain) {
        this.#mustFillAgain = false;
        while (await this.#addRows());
        this.#y = trim(this.#parts.rows, this.#y, this.#height);
        this.#place();
      }
    } catch (error) {
      this.#parts.onError(error);
    }
  }

  /** Returns whether there may be more to add. */
  async #addRows(): Promise<boolean> {
    const { rows } = this.#parts;
    const jump = this.#jumps;
    const { first, last } = rows;
    if (!first || !last) return false;
    this.#adapt();
    const height = rows.height;
    const margin = marginOf(this.#height);
    if (this.#isFollowing && this.#y > height) this.#y = Math.max(0, height - this.#height);
    if (!rows.hasEnd && height - this.#y < this.#height + margin) {
      const more = await rows.from(last.next, BATCH);
      if (jump !== this.#jumps) return true;
      this.#adapt();
      if (more.length > 0 && rows.last === last) rows.append(more);
      if (this.#isFollowing) this.#y = Math.max(0, rows.height - this.#height);
      this.#repay();
      return more.length > 0;
    }
    if (!rows.hasStart && this.#y < margin) {
      const more = await rows.before(first.offset, BATCH);
      if (jump !== this.#jumps || rows.first !== first) return true;
      this.#adapt();
      const before = rows.height;
      rows.prepend(more);
      this.#y += rows.height - before;
      this.#repay();
      return more.length > 0;
    }
    return false;
  }

  /** Keeps the position if the window has another width now, before the observer says so. */
  #adapt(): void {
    if (this.#anchor.isOutdated && !this.#isFollowing) this.#return();
  }

  #repay(): void {
    this.#y += this.#debt;
    this.#debt = 0;
    this.#place();
  }

  /** Moves the list to the position of the window. */
  #place(): void {
    const { rows, list, onMoved } = this.#parts;
    const most = Math.max(0, rows.height - this.#height);
    const wanted = this.#y;
    this.#y = Math.min(most, Math.max(0, wanted));
    if (wanted < 0 && !rows.hasStart) this.#debt = wanted;
    else if (wanted > most && !rows.hasEnd && wanted < most + 4 * this.#height) this.#debt = wanted - most;
    const transform = `translateY(${-this.#y}px)`;
    // Setting the same style again would cost a layout.
    if (list.style.transform !== transform) list.style.transform = transform;
    const row = rows.at(this.#y);
    // While rows are missing below, another one than the anchor is in its place.
    if (this.#debt === 0) this.#anchor.set(row, this.#y);
    onMoved();
  }

  #scrolled(): void {
    const moved = this.#bar.moved();
    if (!moved) return;
    const { by, top, part } = moved;
    const { rows, lines } = this.#parts;
    // The scrollbar is exact if all lines have rows.
    if (rows.hasStart && rows.hasEnd) {
      this.#debt = 0;
      this.moveBy(top - this.#y);
    } else if (Math.abs(by) < 2 * this.#height) this.moveBy(by);
    else if (part >= 1) void this.follow();
    else void this.jump(Math.floor(part * lines.size));
    this.#settle();
  }

  #settle(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#sync(), IDLE_MS);
  }

  /** Aligns the scrollbar with the rows. */
  #sync(): void {
    if (this.#bar.isMoving) this.#scrolled();
    else this.#bar.place(this.visible, this.#y);
  }
}
