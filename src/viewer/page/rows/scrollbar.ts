/**
 * The scrollbar. Its position is that of the first visible byte in the path.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import type { Row, Rows } from "./rows.ts";

/** Milliseconds after the last scroll event before the scrollbar is aligned with the rows. */
export const IDLE_MS = 150;

/** Maximum height of the scrolled element in pixels. In Firefox, an element of more than 17.9 million has no height. */
const MAX_PIXELS = 4_000_000;

/** The elements and rows of the scrollbar. */
export interface ScrollbarParts {
  /** The element that scrolls. */
  readonly view: HTMLElement;
  /** The element that is as high as all rows of the path would be, up to the maximum. */
  readonly space: HTMLElement;
  /** The element that stays in view, and clips the rows. */
  readonly window: HTMLElement;
  readonly rows: Rows;
  readonly lines: Lines;
}

/** The scrollbar of a scroller. */
export class Scrollbar {
  readonly #parts: ScrollbarParts;
  /** The last known position in pixels. */
  #top = 0;

  constructor(parts: ScrollbarParts) {
    this.#parts = parts;
  }

  /** Whether the reader has moved it and the event is pending. Resizing or hiding the window moves it, too. */
  get isMoving(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.#parts.view;
    const isReader = clientHeight > 0 && this.#top <= scrollHeight - clientHeight;
    return isReader && Math.abs(scrollTop - this.#top) >= 1;
  }

  /** Takes over the position after the window was resized or hidden: the reader has not moved it. */
  resized(): void {
    this.#top = this.#parts.view.scrollTop;
  }

  /**
   * The pixels by which the reader has moved the scrollbar, its position, and the fraction of the path there; undefined if
   * the page has moved it.
   */
  moved(): { readonly by: number; readonly top: number; readonly part: number } | undefined {
    const { view } = this.#parts;
    const top = view.scrollTop;
    const most = view.scrollHeight - view.clientHeight;
    // A window that has become larger moves it as well, and the event may come before that of the window.
    const isReader = this.#top <= most;
    const by = top - this.#top;
    if (Math.abs(by) < 1) return undefined;
    this.#top = top;
    if (!isReader) return undefined;
    return { by, top, part: top >= most - 1 ? 1 : top / most };
  }

  /**
   * Moves the scrollbar to the position of the visible rows.
   *
   * @param visible The rows in view.
   * @param y Pixels of the list above the window.
   */
  place({ first, last }: { readonly first: Row | undefined; readonly last: Row | undefined }, y: number): void {
    const { view, space, window, rows, lines } = this.#parts;
    if (!first || !last || !rows.first || !rows.last) {
      space.style.height = "0";
      return;
    }
    const { height } = rows;
    const page = window.clientHeight;
    const perByte = height / Math.max(1, rows.last.next - rows.first.offset);
    const whole = rows.hasStart && rows.hasEnd ? height : Math.max(height + 2 * page, perByte * lines.size);
    space.style.height = `${Math.min(MAX_PIXELS, Math.ceil(whole))}px`;
    const most = Math.max(0, view.scrollHeight - view.clientHeight);
    const part = first.offset / Math.max(1, lines.size - (last.next - first.offset));
    // There is always room to move by pixels.
    const room = Math.min(2 * page, most / 2);
    let top = Math.min(most - room, Math.max(room, part * most));
    if (rows.hasEnd) top = most - (height - page - y);
    if (rows.hasStart) top = y;
    if (Math.abs(view.scrollTop - top) >= 1) view.scrollTop = top;
    this.#top = view.scrollTop;
  }
}
