/**
 * What happened in a run, and what went wrong in it.
 * @module
 */

/** Counts, by what was counted, and problems. */
export class Ledger {
  readonly #counts = new Map<string, Map<string, number>>();
  /** What must not have happened. */
  readonly problems: string[] = [];
  readonly #onProblem: (problem: string) => void;

  /** @param onProblem Is told of each problem at once. */
  constructor(onProblem: (problem: string) => void = () => {}) {
    this.#onProblem = onProblem;
  }

  /** Counts one more, or `by` more, of a kind. */
  count(what: string, kind: string, by = 1): void {
    const kinds = this.#counts.get(what) ?? new Map<string, number>();
    this.#counts.set(what, kinds.set(kind, (kinds.get(kind) ?? 0) + by));
  }

  /** How many there were of a kind, or of all kinds together. */
  total(what: string, kind?: string): number {
    const kinds = this.#counts.get(what);
    if (kind !== undefined) return kinds?.get(kind) ?? 0;
    return [...(kinds?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }

  /** The kinds that were counted, most frequent first. */
  kinds(what: string): [kind: string, count: number][] {
    return [...(this.#counts.get(what) ?? [])].sort(([, one], [, other]) => other - one);
  }

  /** Something is wrong. */
  problem(text: string): void {
    this.problems.push(text);
    this.#onProblem(text);
  }
}
