/**
 * The order of names in a listing: by their UTF-8 bytes, as in `LC_ALL=C sort`. This is the order of code points, which
 * every language can produce; JavaScript compares strings by UTF-16 code units.
 * @module
 */

/** Names per run. A run is sorted at once, which takes some milliseconds. */
const RUN_LENGTH = 4096;

/** Code units from U+D800 on, which may sort differently in UTF-16 than in UTF-8. */
const DOUBTFUL = /[\ud800-\uffff]/;

/**
 * Compares two names: less than 0 if the first one comes first, more than 0 if the second one does, 0 if they are
 * equal.
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

/** The rank of a code unit: surrogates stand for code points above all others. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** A run of sorted names, and the index of the next one to take. */
interface Run {
  readonly names: readonly string[];
  at: number;
}

/**
 * Any number of names in order, sorted in small runs so that the event loop is never blocked for long.
 *
 * @example
 * ```ts
 * const names = new SortedNames();
 * names.add("b");
 * names.add("a");
 * names.take(); // "a"
 * ```
 */
export class SortedNames {
  readonly #runs: Run[] = [];
  #gathered: string[] = [];
  #compare: (one: string, other: string) => number = compareUnits;

  /** Adds a name. No name may be added after the first {@link take}. */
  add(name: string): void {
    if (DOUBTFUL.test(name)) this.#compare = compareNames;
    this.#gathered.push(name);
    if (this.#gathered.length >= RUN_LENGTH) this.#endRun();
  }

  /** Removes and returns the first remaining name; undefined if no name is left. */
  take(): string | undefined {
    this.#endRun();
    const [first] = this.#runs;
    if (!first) return undefined;
    const name = first.names[first.at++];
    if (first.at === first.names.length) {
      const last = this.#runs.pop() ?? first;
      if (last !== first) this.#runs[0] = last;
    }
    this.#siftDown();
    return name;
  }

  /** Adds the gathered names to the heap of runs, in which each run begins no later than its two children. */
  #endRun(): void {
    if (this.#gathered.length === 0) return;
    this.#runs.push({ names: this.#gathered.sort(this.#compare), at: 0 });
    this.#gathered = [];
    for (let at = this.#runs.length - 1; ; ) {
      // No run has the number -1, which is that of the first one's parent.
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #siftDown(): void {
    for (let at = 0; ; ) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) if (this.#isBefore(child, first)) first = child;
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
    const run = this.#runs[one] as Run;
    this.#runs[one] = this.#runs[other] as Run;
    this.#runs[other] = run;
  }
}
