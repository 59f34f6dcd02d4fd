/**
 * Visits many members once per interval, but not all at once: thousands of small writes in a row would delay everything
 * else by a tenth of a second.
 * @module
 */

/** Maximum number of parts in a round. */
const PARTS = 16;

/** Minimum number of milliseconds between two parts, so that a single member causes no needless wake-ups. */
const STEP_MS = 250;

/** Visits each member once per interval, with one timer for all of them. */
export class StaggeredInterval<Member> {
  readonly #visit: (member: Member) => void;
  readonly #stepMs: number;
  readonly #parts: Set<Member>[];
  /** Index of the part to visit next. */
  #turn = 0;
  /** Index of the part that the last member was added to. */
  #place = 0;
  #size = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param intervalMs Milliseconds per round.
   * @param visit Called for each member. It may remove members.
   */
  constructor(intervalMs: number, visit: (member: Member) => void) {
    const parts = Math.max(1, Math.min(PARTS, Math.floor(intervalMs / STEP_MS)));
    this.#visit = visit;
    this.#stepMs = intervalMs / parts;
    this.#parts = Array.from({ length: parts }, () => new Set());
  }

  /** Adds a member. A lone member waits one interval; bursts are spread over it. */
  add(member: Member): void {
    if (this.#size++ === 0) {
      this.#timer = setInterval(() => this.#step(), this.#stepMs);
      this.#place = this.#turn;
    }
    this.#place = this.#before(this.#place);
    this.#parts[this.#place]?.add(member);
  }

  /** Removes a member. Returns whether it was one. */
  remove(member: Member): boolean {
    if (!this.#parts.some((part) => part.delete(member))) return false;
    if (--this.#size === 0) clearInterval(this.#timer);
    return true;
  }

  #step(): void {
    const part = this.#parts[this.#turn];
    this.#turn = (this.#turn + 1) % this.#parts.length;
    for (const member of part ?? []) this.#visit(member);
  }

  #before(place: number): number {
    return (place || this.#parts.length) - 1;
  }
}
