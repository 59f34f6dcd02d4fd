/**
 * Where bytes of a path are, as earlier searches have found them. The next search begins between the nearest two.
 * @module
 */
import type { Probe } from "./search.ts";

/** How many records of a path are remembered. */
const MAX_PLACES = 32;

/** The records of one content that were found. */
export class KnownPlaces {
  readonly generation: string;
  /** In their order, each with at least one byte. */
  readonly #places: Probe[] = [];
  /** Which one is forgotten next, if there are too many. */
  #turn = 0;

  constructor(generation: string) {
    this.generation = generation;
  }

  /** The last known record that begins at or before a byte. */
  below(byte: number): Probe | undefined {
    return this.#places[this.#above(byte) - 1];
  }

  /** The first known record that begins behind a byte. */
  above(byte: number): Probe | undefined {
    return this.#places[this.#above(byte)];
  }

  /** Remembers a record. Ones without bytes do not help. */
  add({ seq, offset, end }: Probe): void {
    if (end === offset) return;
    const at = this.#above(offset);
    if (this.#places[at - 1]?.offset === offset) return;
    this.#places.splice(at, 0, { seq, offset, end });
    if (this.#places.length <= MAX_PLACES) return;
    // Every third one in turn, so that what is left is spread over the content; never the one that was just added.
    this.#turn = (this.#turn + 3) % this.#places.length;
    this.#places.splice(this.#turn === at ? (at + 1) % this.#places.length : this.#turn, 1);
  }

  /** The index of the first known record that begins behind a byte. */
  #above(byte: number): number {
    let [from, to] = [0, this.#places.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#places[middle]?.offset ?? 0) > byte) to = middle;
      else from = middle + 1;
    }
    return from;
  }
}
