/**
 * The record of a run: counts of events, and problems.
 * @module
 */

/** Collects counts and problems. */
export class Ledger {
  readonly #counts = new Map<string, Map<string, number>>();
  /** Everything that must not have happened, in order. */
  readonly problems: string[] = [];
  readonly #onProblem: (problem: string) => void;

  /** @param onProblem Is called with each problem at once. */
  constructor(onProblem: (problem: string) => void = () => {}) {
    this.#onProblem = onProblem;
  }

  /** Adds `by` to the count of a kind. */
  count(what: string, kind: string, by = 1): void {
    const kinds = this.#counts.get(what) ?? new Map<string, number>();
    this.#counts.set(what, kinds.set(kind, (kinds.get(kind) ?? 0) + by));
  }

  /** The count of a kind, or of all kinds together. */
  total(what: string, kind?: string): number {
    const kinds = this.#counts.get(what);
    if (kind !== undefined) return kinds?.get(kind) ?? 0;
    return [...(kinds?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }

  /** All counted kinds, most frequent first. */
  kinds(what: string): [kind: string, count: number][] {
    return [...(this.#counts.get(what) ?? [])].sort(([, one], [, other]) => other - one);
  }

  /** Records a problem. */
  problem(text: string): void {
    this.problems.push(text);
    this.#onProblem(text);
  }
}
