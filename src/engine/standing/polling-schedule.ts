/**
 * Checks many members in turn, about once per second each, with one timer for all of them.
 * @module
 */

/** Milliseconds per round, as long as {@link MAX_PER_ROUND} is not exceeded. */
const ROUND_MS = 1_000;

/** Maximum number of members to check per round. If there are more, each has to wait for several rounds. */
const MAX_PER_ROUND = 1_000;

/** Maximum number of parts of a round: all checks at once would delay everything else. */
const PARTS = 16;

/** Calls `look` for each member in turn. */
export class PollingSchedule<Member> {
  readonly #look: (member: Member) => void;
  /** In the order in which they are due. */
  readonly #members = new Set<Member>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param look Called when a member is due. It may remove members. */
  constructor(look: (member: Member) => void) {
    this.#look = look;
  }

  /** Adds a member, which is due after all others. */
  add(member: Member): void {
    this.#members.add(member);
    if (this.#timer === undefined) this.#schedule();
  }

  /** Removes a member. Does nothing if it is not one. */
  remove(member: Member): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  get #parts(): number {
    return Math.min(PARTS, this.#members.size);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#step(), ROUND_MS / this.#parts);
  }

  #step(): void {
    this.#timer = undefined;
    const count = Math.ceil(Math.min(MAX_PER_ROUND, this.#members.size) / this.#parts);
    const due: Member[] = [];
    for (const member of this.#members) {
      if (due.length === count) break;
      due.push(member);
    }
    for (const member of due) {
      this.#members.delete(member);
      this.#members.add(member);
    }
    for (const member of due) if (this.#members.has(member)) this.#look(member);
    if (this.#members.size > 0 && this.#timer === undefined) this.#schedule();
  }
}
