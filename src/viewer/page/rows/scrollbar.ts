/**
 * The scrollbar. It stands where the first visible byte is in the path.
 * @module
 */
import type { Lines } from "../bytes/lines.ts";
import type { Row, Rows } from "./rows.ts";

/** Height of the longest scrolled element. Firefox shows none above 17.9 million. */
const MOST_PIXELS = 4_000_000;

/** What the scrollbar shows. */
export interface ScrollbarParts {
  /** What scrolls. */
  readonly view: HTMLElement;
  /** As high as the whole path would be. */
  readonly space: HTMLElement;
  /** What stays in view, and cuts the rows. */
  readonly window: HTMLElement;
  readonly rows: Rows;
  readonly lines: Lines;
}

/** The scrollbar of a scroller. */
export class Scrollbar {
  readonly #parts: ScrollbarParts;
  /** Where it was put, or moved to. */
  #top = 0;

  constructor(parts: ScrollbarParts) {
    this.#parts = parts;
  }

  /** Whether the reader has moved it, and the event has not come yet. A window of another size, or a hidden one, moves it too. */
  get isMoving(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.#parts.view;
    const isReader = clientHeight > 0 && this.#top <= scrollHeight - clientHeight;
    return isReader && Math.abs(scrollTop - this.#top) >= 1;
  }

  /** The window has another size, or was hidden, which may have moved it. The reader has not. */
  resized(): void {
    this.#top = this.#parts.view.scrollTop;
  }

  /** How far the reader has moved it, where it is, and which part of the path that is; undefined if it was not the reader. */
  moved(): { readonly by: number; readonly top: number; readonly part: number } | undefined {
    const { view } = this.#parts;
    const top = view.scrollTop;
    const by = top - this.#top;
    if (Math.abs(by) < 1) return undefined;
    this.#top = top;
    const most = view.scrollHeight - view.clientHeight;
    return { by, top, part: top >= most - 1 ? 1 : top / most };
  }

  /**
   * Puts it where it belongs.
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
    space.style.height = `${Math.min(MOST_PIXELS, Math.ceil(whole))}px`;
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
