/**
 * Searches a resource for a literal text.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { NEWLINE } from "../../support/ascii.ts";
import type { Literal } from "./literal.ts";
import { PlainText } from "./plain-text.ts";
import { type ScanRange, scanPieces } from "./scan-pieces.ts";

/** Milliseconds of work before other events get a turn. */
const TURN_MS = 2;

/** Bytes searched between two looks at the clock. */
const STEP_BYTES = 64 * 1024;

/** Maximum hits per batch. */
const BATCH = 1_000;

/** Bytes per step backwards to the beginning of a line. */
const BACK_BYTES = 64 * 1024;

/** A place where the text was found. */
export interface Hit {
  /** The offset of its first byte. */
  readonly offset: number;
  /** The offset of the first byte of its line. */
  readonly lineStart: number;
}

/** The end of a search. */
export interface SearchEnd {
  /** The offset for the next search: together, both find each hit once. */
  readonly next: number;
  /** Whether the search ended because it reached `limit`. */
  readonly isLimited: boolean;
}

/** The text and the range of a search. */
export interface SearchTerms extends ScanRange {
  readonly literal: Literal;
  /** Maximum number of hits. */
  readonly limit: number;
}

/**
 * Finds a text, in the order of the resource and without overlaps, as `grep -bo` does. It skips the escape sequences of
 * terminals: a match may have some inside. `from` must not be inside one.
 *
 * @returns The end of the search, after all hits.
 * @throws {StreamError} `lost` if the signal aborts, `changed` if the content was replaced meanwhile; errors of the store.
 */
export async function* search(terms: SearchTerms): AsyncGenerator<readonly Hit[], SearchEnd, void> {
  const { store, path, generation, to, signal } = terms;
  const hits = new Hits(terms);
  for await (const piece of scanPieces(terms)) {
    yield* hits.of(piece);
    if (hits.isEnough) return { next: hits.next, isLimited: true };
  }
  if (signal.aborted) throw brokenOff(terms);
  const now = await store.stat(path);
  if (now?.generation === generation && now.size >= to) return { next: hits.next, isLimited: false };
  throw new StreamError("changed", `"/${path}" was changed during the search. Search again.`, { path });
}

/** The hits of a search, slice by slice. */
class Hits {
  readonly #terms: SearchTerms;
  readonly #text: PlainText;
  readonly #lines: Lines;
  #left: number;
  #next: number;
  #beganMs = 0;

  constructor(terms: SearchTerms) {
    const { length } = terms.literal;
    this.#terms = terms;
    this.#text = new PlainText(STEP_BYTES + length, terms.from);
    this.#lines = new Lines(this.#text, terms);
    this.#left = terms.limit;
    this.#next = terms.from;
  }

  /** Whether the limit is reached. */
  get isEnough(): boolean {
    return this.#left === 0;
  }

  /** The offset at which a further search begins. */
  get next(): number {
    return this.#next;
  }

  /** The hits that end in the next slice. */
  async *of(piece: Uint8Array): AsyncGenerator<readonly Hit[], void, void> {
    this.#beganMs = performance.now();
    for (let at = 0; at < piece.length && !this.isEnough; at += STEP_BYTES) {
      this.#text.add(piece.subarray(at, at + STEP_BYTES));
      yield* this.#found();
      await this.#rest();
    }
  }

  /** The hits in the buffered text. Afterwards only a possible beginning of a hit is left in it. */
  async *#found(): AsyncGenerator<readonly Hit[], void, void> {
    const text = this.#text;
    let at = 0;
    do {
      const { hits, to } = await this.#search(at);
      at = to;
      if (hits.length > 0) yield hits;
    } while (at + this.#terms.literal.length <= text.length && !this.isEnough);
    if (this.isEnough) {
      this.#next = text.offsetOf(at - 1) + 1;
      return;
    }
    this.#lines.drop(at);
    text.keep(at);
    this.#next = text.undecided;
  }

  /** The next batch of hits, and the index up to which no more hits begin. */
  async #search(from: number): Promise<{ readonly hits: readonly Hit[]; readonly to: number }> {
    const { literal } = this.#terms;
    const { bytes, length } = this.#text;
    const hits: Hit[] = [];
    const max = Math.min(BATCH, this.#left);
    let to = from;
    for (let found = literal.find(bytes, to, length); found !== -1; ) {
      hits.push({ offset: this.#text.offsetOf(found), lineStart: await this.#lines.startOf(found) });
      to = found + literal.length;
      if (hits.length === max) break;
      found = literal.find(bytes, to, length);
    }
    this.#left -= hits.length;
    // A match may begin in the last bytes.
    return { hits, to: hits.length === max ? to : Math.max(to, length - literal.length + 1) };
  }

  async #rest(): Promise<void> {
    if (performance.now() - this.#beganMs < TURN_MS) return;
    await this.#terms.turns.next();
    this.#beganMs = performance.now();
  }
}

/** Finds where the lines of hits begin. */
class Lines {
  readonly #text: PlainText;
  readonly #range: ScanRange;
  /** The offset of the line at {@link #seen}; undefined while that line begins before the searched range. */
  #start: number | undefined;
  /** The index up to which the text was scanned for line feeds. */
  #seen = 0;

  constructor(text: PlainText, range: ScanRange) {
    this.#text = text;
    this.#range = range;
    if (range.from === 0) this.#start = 0;
  }

  /** The offset of the line that contains an index. Call it with ascending indexes. */
  async startOf(index: number): Promise<number> {
    this.#look(index);
    this.#start ??= await lineStartBefore(this.#range);
    return this.#start;
  }

  /** Call this before the text before an index is dropped. */
  drop(from: number): void {
    this.#look(from);
    this.#seen = 0;
  }

  #look(to: number): void {
    const { bytes } = this.#text;
    const found = to > this.#seen ? bytes.subarray(this.#seen, to).lastIndexOf(NEWLINE) : -1;
    if (found !== -1) this.#start = this.#text.offsetOf(this.#seen + found) + 1;
    this.#seen = Math.max(this.#seen, to);
  }
}

/** The offset of the line that contains the first byte of a range. It may be far before the range. */
async function lineStartBefore(range: ScanRange): Promise<number> {
  for (let to = range.from; to > 0 && !range.signal.aborted; ) {
    const from = Math.max(0, to - BACK_BYTES);
    let found = -1;
    let at = from;
    for await (const piece of scanPieces({ ...range, from, to })) {
      const last = piece.lastIndexOf(NEWLINE);
      if (last !== -1) found = at + last;
      at += piece.length;
    }
    if (range.signal.aborted) break;
    if (found !== -1) return found + 1;
    to = from;
  }
  if (range.signal.aborted) throw brokenOff(range);
  return 0;
}

function brokenOff({ path }: ScanRange): StreamError {
  return new StreamError("lost", "The client disconnected during the search.", { path });
}
