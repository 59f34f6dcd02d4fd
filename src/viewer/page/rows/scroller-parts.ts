/**
 * What a scroller works with.
 * @module
 */
import type { ScrollbarParts } from "./scrollbar.ts";

/** The elements of the scroller. */
export interface ScrollerParts extends ScrollbarParts {
  readonly list: HTMLElement;
  /** Called when the rows or the place have changed. */
  readonly onMoved: () => void;
  /** Called when the path can't be read. */
  readonly onError: (error: unknown) => void;
}
