/**
 * The order of names in a listing: by the bytes of their UTF-8, as `LC_ALL=C sort` has it. That is the order of their code
 * points, and every language can have it; the order of JavaScript's strings is that of UTF-16.
 * @module
 */

/** Names in a run that is sorted at once: some milliseconds of work. */
const RUN_LENGTH = 4096;

/** A code unit from here on may sort otherwise in UTF-16 than in UTF-8. */
const DOUBTFUL = /[\ud800-\uffff]/;

/**
 * Which of two names comes first: less than 0 for the first, more than 0 for the second.
 *
 * @example
 * ```ts
 * ["b", "a"].sort(compareNames); // ["a", "b"]
 * ```
 */
export function compareNames(one: string, other: string): number {
  if (DOUBTFUL.test(one) && DOUBTFUL.test(other)) return compareCodePoints(one, other);
  return compareUnits(one, other);
}

function compareUnits(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function compareCodePoints(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const [a, b] = [one.charCodeAt(at), other.charCodeAt(at)];
    if (a !== b) return rankOf(a) - rankOf(b);
  }
  return one.length - other.length;
}

/** Where two strings differ first, surrogates stand for code points above all others. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** A run of sorted names, and how far it has been taken. */
interface Run {
  readonly names: readonly string[];
  at: number;
}

/** Any number of names in order, sorted in small pieces, so that nothing else has to wait. */
export class SortedNames {
  readonly #runs: Run[] = [];
  #gathered: string[] = [];
  #compare: (one: string, other: string) => number = compareUnits;

  /** Adds a name. None may be added once one was taken. */
  add(name: string): void {
    if (this.#compare === compareUnits && DOUBTFUL.test(name)) this.#compare = compareNames;
    this.#gathered.push(name);
    if (this.#gathered.length >= RUN_LENGTH) this.#endRun();
  }

  /** Takes the first name that is left. */
  take(): string | undefined {
    this.#endRun();
    const [first] = this.#runs;
    const name = first?.names[first.at];
    if (!first || name === undefined) return undefined;
    first.at++;
    if (first.at === first.names.length) {
      const last = this.#runs.pop();
      if (last && last !== first) this.#runs[0] = last;
    }
    this.#sink();
    return name;
  }

  /** The runs are a heap: each begins no later than the two below it. */
  #endRun(): void {
    if (this.#gathered.length === 0) return;
    this.#runs.push({ names: this.#gathered.sort(this.#compare), at: 0 });
    this.#gathered = [];
    for (let at = this.#runs.length - 1; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(at, above)) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      let first = at;
      for (const below of [2 * at + 1, 2 * at + 2]) if (this.#isBefore(below, first)) first = below;
      if (first === at) return;
      this.#swap(at, first);
      at = first;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#runs[one], this.#runs[other]];
    return a !== undefined && b !== undefined && this.#compare(a.names[a.at] ?? "", b.names[b.at] ?? "") < 0;
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#runs[one], this.#runs[other]];
    if (!a || !b) return;
    this.#runs[one] = b;
    this.#runs[other] = a;
  }
}
