/**
 * How long to wait before a worker that has died is replaced.
 * @module
 */

/** Milliseconds before the first replacement. */
const FIRST_MS = 100;

/** Maximum milliseconds before a replacement. */
const MAX_MS = 30_000;

/** Milliseconds after which a worker counts as one that works. */
const STEADY_MS = 60_000;

/** Waits twice as long each time, until a worker has lived for a while. */
export class BackOff {
  #nextMs = FIRST_MS;

  /**
   * The milliseconds to wait.
   *
   * @param livedMs For how long the worker that has died was ready.
   */
  after(livedMs: number): number {
    if (livedMs >= STEADY_MS) this.#nextMs = FIRST_MS;
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(2 * waitMs, MAX_MS);
    return waitMs;
  }
}
