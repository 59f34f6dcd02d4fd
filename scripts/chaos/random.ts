/**
 * Reproducible randomness: every random choice of a run derives from its seed.
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
   * Returns an independent sequence that depends only on the seed and the names, not on what was drawn from this one.
   * Concurrent activities thus do not affect each other's choices.
   */
  fork(...names: readonly (string | number)[]): Random {
    let hash = this.#seed ^ 0x811c9dc5;
    for (const char of names.join("/")) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
    return new Random(hash ^ (hash >>> 15));
  }

  /** A number from 0 to 1, excluding 1. */
  number(): number {
    return this.#next();
  }

  /** True with the given probability, from 0 to 1. */
  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  /** An integer from `least` to `most`, inclusive, uniformly distributed. */
  between(least: number, max: number): number {
    return least + Math.floor(this.#next() * (max - least + 1));
  }

  /** An integer between two positive bounds whose logarithm is uniformly distributed: all magnitudes are as likely. */
  spread(least: number, max: number): number {
    return Math.floor(least * (max / least) ** this.#next());
  }

  /** One of several names, with a probability proportional to its weight. */
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
