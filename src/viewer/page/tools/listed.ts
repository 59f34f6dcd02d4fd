/**
 * Some lines of the path: those with hits, and a few lines around each of them. Lines around a hit are looked for when they
 * come into view.
 * @module
 */
import { type ChosenLines, type Line, type Lines, lastAtMost } from "../bytes/lines.ts";

/** The lines. */
export class Listed implements ChosenLines {
  readonly #lines: Lines;
  readonly #hits: readonly number[];
  readonly #around: number;
  /** Where the first line begins. */
  readonly first: number;
  /** Where the last line ends. */
  readonly end: number;

  private constructor(lines: Lines, hits: readonly number[], around: number, [first, end]: readonly [number, number]) {
    this.#lines = lines;
    this.#hits = hits;
    this.#around = around;
    this.first = first;
    this.end = end;
  }

  /**
   * @param hits The offsets of the lines with hits, in order.
   * @param around Lines to show before and behind each.
   */
  static async of(lines: Lines, hits: readonly number[], around: number): Promise<Listed> {
    const listed = new Listed(lines, hits, around, [0, 0]);
    const ends = [await listed.#start(0), await listed.#behind(hits.length - 1)] as const;
    return new Listed(lines, hits, around, ends);
  }

  /** Whether a line is one around a hit. */
  isAround(offset: number): boolean {
    return this.#hits[lastAtMost(this.#hits, offset)] !== offset;
  }

  /** The hit at an offset or behind it, or else the last one. */
  near(offset: number): number {
    return this.#hits[lastAtMost(this.#hits, offset - 1) + 1] ?? this.#hits[this.#hits.length - 1] ?? 0;
  }

  /** At most `count` lines from an offset on. */
  async from(offset: number, count: number): Promise<Line[]> {
    const found: Line[] = [];
    let at = offset;
    for (
      let hit = Math.max(0, lastAtMost(this.#hits, offset));
      hit < this.#hits.length && found.length < count;
      hit++
    ) {
      at = Math.max(at, await this.#start(hit));
      for (const end = await this.#behind(hit); at < end && found.length < count; ) {
        const line = await this.#lines.line(at);
        found.push(line);
        at = line.next;
      }
    }
    return found;
  }

  /** At most `count` lines before an offset. */
  async before(offset: number, count: number): Promise<Line[]> {
    const found: Line[] = [];
    let at = offset;
    // The first hit behind the offset may have lines around it that are before.
    const last = Math.min(this.#hits.length, lastAtMost(this.#hits, offset - 1) + 2) - 1;
    for (let hit = last; hit >= 0 && found.length < count; hit--) {
      at = Math.min(at, await this.#behind(hit));
      for (const start = await this.#start(hit); at > start && found.length < count; ) {
        at = await this.#lines.floor(at - 1);
        found.push(await this.#lines.line(at));
      }
    }
    return found.reverse();
  }

  /** Where the first line around a hit begins. */
  async #start(hit: number): Promise<number> {
    let at = this.#hits[hit] ?? 0;
    for (let line = 0; line < this.#around && at > 0; line++) at = await this.#lines.floor(at - 1);
    return at;
  }

  /** Where the last line around a hit ends. */
  async #behind(hit: number): Promise<number> {
    let at = this.#hits[hit] ?? 0;
    for (let line = 0; line <= this.#around && at < this.#lines.size; line++) at = (await this.#lines.line(at)).next;
    return at;
  }
}
