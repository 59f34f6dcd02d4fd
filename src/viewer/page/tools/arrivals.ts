/**
 * When the page saw bytes arrive.
 * @module
 */

/** Most arrivals to remember. */
const MAX_ARRIVALS = 4_096;

/** Milliseconds in which arrivals are one. */
const SAME_MS = 250;

/** Bytes that have arrived together. */
export interface Arrival {
  readonly from: number;
  to: number;
  readonly timeMs: number;
}

/** When the bytes of the path arrived that this page has seen arriving. */
export class Arrivals {
  #all: Arrival[] = [];

  /** All that are known, in their order. */
  get all(): readonly Arrival[] {
    return this.#all;
  }

  /** Bytes between two offsets have arrived. */
  add(from: number, to: number, timeMs: number): void {
    const last = this.#all[this.#all.length - 1];
    if (last?.to === from && timeMs - last.timeMs < SAME_MS) last.to = to;
    else this.#all.push({ from, to, timeMs });
    // Of two neighbours, the first one stands for both.
    if (this.#all.length > MAX_ARRIVALS)
      this.#all = this.#all.flatMap((one, at) =>
        at % 2 === 0 ? [{ ...one, to: this.#all[at + 1]?.to ?? one.to }] : [],
      );
  }

  /** When the byte at an offset arrived; undefined if it was there before. */
  at(offset: number): number | undefined {
    return this.#all.findLast(({ from, to }) => from <= offset && offset < to)?.timeMs;
  }
}
