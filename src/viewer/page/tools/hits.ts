/**
 * The hits of a search: the first ones of the path, and where these end, those around the reader. So every hit can be
 * reached, however many there are.
 * @module
 */

/** Most hits to count. */
export const MAX_HITS = 10_000;

/** Hits to look for at once beyond these. */
const MORE_HITS = 1_000;

/** Bytes to search first for hits before a place, and by how much each further step is longer. */
const BACK_BYTES = 64 * 1024;
const LONGER = 4;

/** A place with the text. */
export interface Hit {
  readonly offset: number;
  /** Where its line begins. */
  readonly line: number;
}

/** Where to look for hits. */
export interface Range {
  /** At the beginning of a line, or where a search has ended. */
  readonly from: number;
  /** The offset before which hits begin. Default: the end. */
  readonly to?: number;
}

/** How a search has ended. */
export interface FindEnd {
  /** Where to search on. */
  readonly next: number;
  /** The size of the path if it was searched to its end; else undefined. */
  readonly size: number | undefined;
}

/** How hits are found. */
export interface HitsParts {
  /**
   * Looks for hits, in their order. Ends early if `onHits` returns false.
   *
   * @returns undefined if the search was cancelled.
   */
  readonly find: (range: Range, onHits: (hits: readonly Hit[]) => boolean) => Promise<FindEnd | undefined>;
  /** Where the line with a byte begins. */
  readonly floor: (offset: number) => Promise<number>;
  /** The size of the path in bytes. */
  readonly size: () => number;
  /** Most bytes to search at once. */
  readonly mostBytes: number;
  /** Called when there are more hits. */
  readonly onFound: () => void;
}

/** All hits that begin between two offsets. */
class Run {
  readonly from: number;
  /** How many hits are before it; undefined while unknown. */
  readonly before: number | undefined;
  readonly hits: Hit[] = [];
  /** Where to search on. */
  next: number;
  /** The size of the path if it was searched to its end; else undefined. */
  size: number | undefined;

  constructor(from: number, before: number | undefined, next = from) {
    this.from = from;
    this.next = next;
    this.before = before;
  }

  /** The offset up to which all hits are known. */
  get end(): number {
    return Math.max(this.size ?? this.next, this.hits[this.hits.length - 1]?.offset ?? 0);
  }

  /** The number of hits up to its last one; undefined while unknown. */
  get count(): number | undefined {
    return this.before === undefined ? undefined : this.before + this.hits.length;
  }

  /** How many of its hits begin before an offset. */
  countBefore(offset: number): number {
    let low = 0;
    for (let high = this.hits.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.hits[middle]?.offset ?? 0) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The hits of one search. */
export class Hits {
  readonly #parts: HitsParts;
  /** The first ones. */
  readonly #first = new Run(0, 0);
  /** Those around the reader, beyond the first ones. */
  #other: Run | undefined;
  /** Those up to which most are counted. */
  #longest = this.#first;

  constructor(parts: HitsParts) {
    this.#parts = parts;
  }

  /** The hits that are known, in their order. */
  get all(): readonly Hit[] {
    const first = this.#first.hits;
    const last = first[first.length - 1]?.offset ?? -1;
    return [...first, ...(this.#other?.hits ?? []).filter(({ offset }) => offset > last)];
  }

  /**
   * How many hits there are, whether there may be more that were not looked for, and whether only the first ones were.
   */
  get count(): { readonly count: number; readonly isMore: boolean; readonly isFirst: boolean } {
    const { count = 0, size = 0 } = this.#longest;
    const isMore = count >= MAX_HITS && size < this.#parts.size();
    return { count, isMore, isFirst: this.#longest === this.#first };
  }

  /** The hits around one, without a gap; around none, the first ones. */
  around(hit: Hit | undefined): readonly Hit[] {
    return (hit && this.#runOf(hit)?.hits) ?? this.#first.hits;
  }

  /** How many hits before one are in its line. */
  inLine({ offset, line }: Hit): number {
    const run = this.#runOf({ offset, line });
    return run ? run.countBefore(offset) - run.countBefore(line) : 0;
  }

  /** The number of a hit, counted from 1; undefined while unknown. */
  numberOf(hit: Hit): number | undefined {
    const run = this.#runOf(hit);
    return run?.before === undefined ? undefined : run.before + run.countBefore(hit.offset) + 1;
  }

  /**
   * Looks for the first hits, and for those that have come since.
   *
   * @returns Whether it may be called again when the path has grown.
   */
  async search(): Promise<boolean> {
    const first = this.#first;
    // A line that was not complete is searched again, and may have lost its hit.
    const kept = first.countBefore(first.next);
    const known = first.hits.length;
    let isFirst = true;
    const isDone = await this.#extend(first, (hits) => {
      if (isFirst) first.hits.splice(kept, known - kept);
      isFirst = false;
      first.hits.push(...hits);
      return first.hits.length < MAX_HITS;
    });
    return isDone && first.size !== undefined && first.hits.length < MAX_HITS;
  }

  /** The first hit from an offset on; after the last one, the first of all. */
  async after(offset: number): Promise<Hit | undefined> {
    const known = this.#runs.findLast(({ from, end }) => from <= offset && offset <= end);
    for (let run = known ?? new Run(await this.#floor(offset), undefined); ; ) {
      const hit = run.hits[run.countBefore(offset)];
      if (hit) return hit;
      if ((run.size ?? 0) >= this.#parts.size()) {
        return this.#first.hits[0] ?? (offset > 0 ? this.after(0) : undefined);
      }
      run = new Run(Math.min(run.next, Math.max(offset, run.from)), run.count, run.next);
      if (!(await this.#load(run))) return undefined;
    }
  }

  /** The last hit before an offset; before the first one, the last of all. */
  async before(offset: number): Promise<Hit | undefined> {
    const size = Math.max(this.#parts.size(), offset);
    let count: number | undefined;
    for (let at = offset; ; ) {
      const run = this.#runs.find(({ from, end }) => from < at && at <= end);
      const hit = run?.hits[run.countBefore(at) - 1];
      if (hit) return hit;
      if (at === 0 || run?.from === 0) {
        if (at >= size) return undefined;
        at = size;
        count = undefined;
      } else if (run) {
        at = run.from;
        count = run.before;
      } else if (!(await this.#loadBefore(at, count))) return undefined;
    }
  }

  get #runs(): readonly Run[] {
    return this.#other ? [this.#first, this.#other] : [this.#first];
  }

  #runOf({ offset }: Hit): Run | undefined {
    return this.#runs.find(({ from, end }) => from <= offset && offset <= end);
  }

  async #floor(offset: number): Promise<number> {
    return await this.#parts.floor(Math.min(offset, this.#parts.size()));
  }

  /** Looks for hits from the start of a run on. Returns whether there are any, or none because the path ends. */
  async #load(run: Run): Promise<boolean> {
    const isDone = await this.#extend(run, (hits) => {
      run.hits.push(...hits);
      return run.hits.length < MORE_HITS;
    });
    if (isDone) this.#use(run);
    return isDone && (run.hits.length > 0 || run.size !== undefined);
  }

  /**
   * Looks for hits before an offset.
   *
   * @param count How many there are; undefined if that is not known.
   * @returns Whether some were found, or none because the path begins.
   */
  async #loadBefore(to: number, count: number | undefined): Promise<boolean> {
    for (let bytes = BACK_BYTES; ; bytes *= LONGER) {
      const from = await this.#floor(Math.max(0, to - bytes));
      const hits: Hit[] = [];
      let start = from;
      const end = await this.#parts.find({ from, to }, (found) => {
        hits.push(...found);
        if (hits.length < 2 * MORE_HITS) return true;
        hits.splice(0, hits.length - MORE_HITS);
        start = hits[0]?.offset ?? from;
        return true;
      });
      if (!end) return false;
      if (hits.length === 0 && from > 0 && bytes < this.#parts.mostBytes) continue;
      const before = start === 0 ? 0 : count === undefined ? undefined : count - hits.length;
      const run = new Run(start, before);
      run.hits.push(...hits);
      run.next = to;
      this.#use(run);
      return hits.length > 0 || from === 0;
    }
  }

  /** Returns whether the search has ended. */
  async #extend(run: Run, onHits: (hits: readonly Hit[]) => boolean): Promise<boolean> {
    const end = await this.#parts.find({ from: run.next }, (hits) => {
      const wantsMore = onHits(hits);
      if (hits.length > 0 && this.#runs.includes(run)) this.#parts.onFound();
      return wantsMore;
    });
    if (!end) return false;
    run.next = end.next;
    run.size = end.size;
    return true;
  }

  #use(run: Run): void {
    this.#other = run;
    const more = (run.count ?? 0) - (this.#longest.count ?? 0);
    if (more > 0 || (more === 0 && run.size !== undefined)) this.#longest = run;
    this.#parts.onFound();
  }
}
