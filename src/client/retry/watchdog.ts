/**
 * Finds connections that are dead without having said so.
 * @module
 */
import type { Clock } from "../connection/environment.ts";
import { SILENCE_MS } from "../connection/limits.ts";

/** What a {@link Watchdog} watches. */
export interface Watched {
  /** Whether silence means something now. */
  expectsSigns(): boolean;
  /** Bytes handed over that have not left yet: as long as they get fewer, somebody takes them. */
  readonly pending: number;
  /** Nothing was heard for too long. */
  silent(): void;
}

/** Calls `silent` once, when there was no sign of life for 45 seconds in which there should have been one. */
export class Watchdog {
  readonly #clock: Clock;
  readonly #watched: Watched;
  #heardMs: number;
  #pending = 0;
  #cancel: () => void;

  constructor(clock: Clock, watched: Watched) {
    this.#clock = clock;
    this.#watched = watched;
    this.#heardMs = clock.now();
    this.#cancel = clock.after(SILENCE_MS, () => this.#look());
  }

  /** A sign of life; also for the moment from which on signs are expected. */
  heard(): void {
    this.#heardMs = this.#clock.now();
  }

  /** Ends the watch. */
  stop(): void {
    this.#cancel();
  }

  #look(): void {
    const { pending } = this.#watched;
    if (pending < this.#pending || !this.#watched.expectsSigns()) this.heard();
    this.#pending = pending;
    const leftMs = this.#heardMs + SILENCE_MS - this.#clock.now();
    if (leftMs <= 0) this.#watched.silent();
    else this.#cancel = this.#clock.after(leftMs, () => this.#look());
  }
}
