/**
 * Heartbeats for `httpfstream.v1` followers: a browser sees no pings, so it cannot distinguish a quiet connection from a dead
 * one.
 * @module
 */
import { StaggeredInterval } from "./staggered-interval.ts";

/** Milliseconds between two checks for quiet followers. */
const ROUND_MS = 1_000;

/** One follower. */
export interface HeartbeatTarget {
  /** The offset that it has reached. While it moves, the follower needs no heartbeat. */
  readonly offset: number;
  /** Sends a heartbeat. */
  beat(): void;
}

/** How long a follower has been quiet. */
interface Quiet {
  readonly follower: HeartbeatTarget;
  offset: number;
  rounds: number;
}

/** Calls `beat` on every follower whose offset has not moved for a while. */
export class Heartbeats {
  readonly #afterRounds: number;
  readonly #quiet = new Map<HeartbeatTarget, Quiet>();
  readonly #members: StaggeredInterval<Quiet>;

  /** @param heartbeatMs Milliseconds of quiet before a heartbeat. */
  constructor(heartbeatMs: number) {
    const roundMs = Math.min(ROUND_MS, heartbeatMs);
    this.#afterRounds = Math.max(1, Math.round(heartbeatMs / roundMs));
    this.#members = new StaggeredInterval(roundMs, (quiet) => this.#look(quiet));
  }

  /** Watches a follower until {@link remove}. */
  add(follower: HeartbeatTarget): void {
    // The current round is not a full one.
    const quiet: Quiet = { follower, offset: follower.offset, rounds: -1 };
    this.#quiet.set(follower, quiet);
    this.#members.add(quiet);
  }

  /** Stops watching a follower. Does nothing if it is not watched. */
  remove(follower: HeartbeatTarget): void {
    const quiet = this.#quiet.get(follower);
    if (!quiet) return;
    this.#quiet.delete(follower);
    this.#members.remove(quiet);
  }

  #look(quiet: Quiet): void {
    const { offset } = quiet.follower;
    quiet.rounds = offset === quiet.offset ? quiet.rounds + 1 : 0;
    quiet.offset = offset;
    if (quiet.rounds < this.#afterRounds) return;
    quiet.rounds = 0;
    quiet.follower.beat();
  }
}
