/**
 * A map of limited size.
 * @module
 */

/** Keeps the most recently used entries. */
export class RecentMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #max: number;

  /** @param max How many entries it keeps. */
  constructor(max: number) {
    this.#max = max;
  }

  /** The value of a key, which now counts as used. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Sets a value; forgets the least recently used entry if there are too many. */
  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#max) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** Forgets an entry. */
  delete(key: K): void {
    this.#entries.delete(key);
  }
}
