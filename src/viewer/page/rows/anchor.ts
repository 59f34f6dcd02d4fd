/**
 * The place that stays in view.
 * @module
 */
import type { Row } from "./rows.ts";

/** The first visible row, and the pixels of it above the window. */
export class Anchor {
  readonly #window: HTMLElement;
  #width = 0;
  row: Row | undefined;
  inside = 0;

  /** @param window The element that clips the rows. */
  constructor(window: HTMLElement) {
    this.#window = window;
  }

  /** Whether rows are higher or lower than they were: the window has another width. */
  get isOutdated(): boolean {
    return this.#window.clientWidth !== this.#width;
  }

  /** The position of the anchor in the list; undefined if its row has gone. */
  get y(): number | undefined {
    const { row, inside } = this;
    return row?.element.isConnected ? row.element.offsetTop + Math.min(inside, row.element.offsetHeight) : undefined;
  }

  /** Takes the row at a position of the list. */
  set(row: Row | undefined, y: number): void {
    this.row = row;
    this.inside = row ? y - row.element.offsetTop : 0;
    this.#width = this.#window.clientWidth;
  }
}
