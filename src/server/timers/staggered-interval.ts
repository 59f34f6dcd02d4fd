/**
 * Doing something with many once an interval, without doing it with all of them at once: thousands of little writes in a row
 * would make everybody else wait for a tenth of a second.
 * @module
 */

/** In how many parts a round is done, at most. */
const PARTS = 16;

/** Milliseconds from one part to the next, at least: a server with a single member is not to be woken up for nothing. */
const STEP_MS = 250;

/** Visits each member once an interval, by one timer for all of them. */
export class StaggeredInterval<Member> {
  readonly #visit: (member: Member) => void;
  readonly #stepMs: number;
  readonly #parts: Set<Member>[];
  /** Whose turn is next. */
  #turn = 0;
  /** Where the last one who came was put. */
  #place = 0;
  #size = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param intervalMs Milliseconds of a round.
   * @param visit What is done with each member. It may remove members.
   */
  constructor(intervalMs: number, visit: (member: Member) => void) {
    const parts = Math.max(1, Math.min(PARTS, Math.floor(intervalMs / STEP_MS)));
    this.#visit = visit;
    this.#stepMs = intervalMs / parts;
    this.#parts = Array.from({ length: parts }, () => new Set());
  }

  /** Takes a member in: who comes alone is visited after one interval, of those who come together some before. */
  add(member: Member): void {
    if (this.#size++ === 0) {
      this.#timer = setInterval(() => this.#step(), this.#stepMs);
      this.#place = this.#turn;
    }
    this.#place = this.#before(this.#place);
    this.#parts[this.#place]?.add(member);
  }

  /** Lets a member go. Results in whether it was one. */
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
