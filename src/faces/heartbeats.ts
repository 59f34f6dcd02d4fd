/**
 * Heartbeats for `httpfstream.v1` followers, by one timer: a browser sees no pings, and can't tell quiet from dead.
 * @module
 */

/** How often, in milliseconds, the quiet ones are looked for. */
const ROUND_MS = 1_000;

/** One follower. */
export interface Beating {
  /** Set by whoever sends something; cleared here. */
  busy: boolean;
  /** Sends a heartbeat. */
  beat(): void;
}

/** Calls `beat` on everyone who was not busy for a while. */
export class Heartbeats {
  readonly #afterRounds: number;
  readonly #roundMs: number;
  readonly #quietRounds = new Map<Beating, number>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param heartbeatMs Milliseconds of quiet before a heartbeat. */
  constructor(heartbeatMs: number) {
    this.#roundMs = Math.min(ROUND_MS, heartbeatMs);
    this.#afterRounds = Math.max(1, Math.round(heartbeatMs / this.#roundMs));
  }

  /** Looks after one follower; the result stops that. */
  add(follower: Beating): () => void {
    this.#quietRounds.set(follower, 0);
    this.#timer ??= setInterval(() => this.#round(), this.#roundMs);
    return () => {
      this.#quietRounds.delete(follower);
      if (this.#quietRounds.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #round(): void {
    for (const [follower, rounds] of this.#quietRounds) {
      const quiet = follower.busy ? 0 : rounds + 1;
      follower.busy = false;
      this.#quietRounds.set(follower, quiet % this.#afterRounds);
      if (quiet >= this.#afterRounds) follower.beat();
    }
  }
}
