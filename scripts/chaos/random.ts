/**
 * Chance that repeats itself: everything random in a run comes from its seed.
 * @module
 */
import { prng } from "../../test/fixture/bytes.ts";

/** A sequence of random choices. */
export class Random {
  readonly #seed: number;
  readonly #next: () => number;

  /** @param seed The same seed gives the same sequence. */
  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#next = prng(seed);
  }

  /**
   * A sequence of its own, which depends on the seed and the names alone, and not on what was drawn from this one:
   * things that happen side by side do not disturb each other's choices.
   */
  fork(...names: readonly (string | number)[]): Random {
    let hash = this.#seed ^ 0x811c9dc5;
    for (const char of names.join("/")) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
    return new Random(hash ^ (hash >>> 15));
  }

  /** A number from 0 up to 1. */
  number(): number {
    return this.#next();
  }

  /** Whether something happens that happens this often. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  /** A whole number; both bounds are possible. */
  between(least: number, most: number): number {
    return least + Math.floor(this.#next() * (most - least + 1));
  }

  /** A whole number of any order of magnitude between two that are greater than 0. */
  spread(least: number, most: number): number {
    return Math.floor(least * (most / least) ** this.#next());
  }

  /** One of several, each as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = Object.entries(weights) as [Name, number][];
    let left = this.#next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return (entries.at(-1) as [Name, number])[0];
  }
}
