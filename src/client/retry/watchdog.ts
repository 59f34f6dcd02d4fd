/**
 * Detects dead connections that were never closed.
 * @module
 */
import type { Clock } from "../connection/environment.ts";
import { SILENCE_MS } from "../connection/limits.ts";

/** A connection that a {@link Watchdog} monitors. */
export interface Watched {
  /** Whether the server owes a sign of life now, so that silence counts. */
  expectsSigns(): boolean;
  /** Bytes in the send buffer. While this number falls, the server is reading, which counts as a sign of life. */
  readonly pending: number;
  /** Called when the server was silent for too long. */
  silent(): void;
}

/** Calls `silent` once when a sign of life was due and none arrived for 45 seconds. */
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

  /** Records a sign of life. Also call it when signs of life become due, which restarts the timer. */
  heard(): void {
    this.#heardMs = this.#clock.now();
  }

  /** Stops monitoring. */
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
