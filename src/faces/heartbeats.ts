/**
 * Heartbeats for `httpfstream.v1` followers, by one timer: a browser sees no pings, and can't tell quiet from dead.
 * @module
 */

/** How often, in milliseconds, the quiet ones are looked for. */
const ROUND_MS = 1_000;

/** One follower. */
export interface Beating {
  /** The offset that it has reached: as long as it moves, nobody needs a heartbeat. */
  readonly offset: number;
  /** Sends a heartbeat. */
  beat(): void;
}

/** Since when a follower has been quiet. */
interface Quiet {
  offset: number;
  rounds: number;
}

/** Calls `beat` on everyone whose offset has not moved for a while. */
export class Heartbeats {
  readonly #afterRounds: number;
  readonly #roundMs: number;
  readonly #quiet = new Map<Beating, Quiet>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param heartbeatMs Milliseconds of quiet before a heartbeat. */
  constructor(heartbeatMs: number) {
    this.#roundMs = Math.min(ROUND_MS, heartbeatMs);
    this.#afterRounds = Math.max(1, Math.round(heartbeatMs / this.#roundMs));
  }

  /** Looks after one follower, until {@link remove}. */
  add(follower: Beating): void {
    // The round under way is not a whole one.
    this.#quiet.set(follower, { offset: follower.offset, rounds: -1 });
    this.#timer ??= setInterval(() => this.#round(), this.#roundMs);
  }

  /** Looks after a follower no more, if it ever did. */
  remove(follower: Beating): void {
    if (!this.#quiet.delete(follower) || this.#quiet.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #round(): void {
    for (const [follower, quiet] of this.#quiet) {
      quiet.rounds = follower.offset === quiet.offset ? quiet.rounds + 1 : 0;
      quiet.offset = follower.offset;
      if (quiet.rounds < this.#afterRounds) continue;
      quiet.rounds = 0;
      follower.beat();
    }
  }
}
