/**
 * Calls of the file system that are usually over before the thread pool would begin with them: a file in the cache of the
 * system is opened in microseconds, and a trip through the thread pool takes forty.
 *
 * They are made synchronously. A slow disk or a network file system must not hold up the event loop again and again, so after
 * a slow call the next ones go through the thread pool for a while.
 * @module
 */

/** Milliseconds after which a synchronous call counts as slow. */
const SLOW_MS = 2;

/** Maximum milliseconds in the thread pool, until the next attempt at a synchronous call. */
const MAX_PAUSE_MS = 1_000;

/** Quick calls in a row after which a slow one was chance: a process waits for a processor as well as for a disk. */
const CHANCE = 32;

/** Decides which calls are made synchronously. */
export class QuickCalls {
  readonly #minPauseMs: number;
  /** The pause after the last slow call; 0 once calls are quick again. */
  #pauseMs = 0;
  #quickInRow = 0;
  #slowUntilMs = Number.NEGATIVE_INFINITY;

  /**
   * @param minPauseMs Minimum milliseconds in the thread pool after a slow call. Default 0: as long as the call took, and
   * twice as long each time that calls are still slow then.
   */
  constructor(minPauseMs = 0) {
    this.#minPauseMs = minPauseMs;
  }

  /** Whether the next call may be synchronous. */
  get areQuick(): boolean {
    return performance.now() >= this.#slowUntilMs;
  }

  /**
   * Makes a call synchronously, and notes how long it takes.
   *
   * @throws What the call throws.
   */
  now<Result>(call: () => Result): Result {
    const beganMs = performance.now();
    try {
      return call();
    } finally {
      this.#note(beganMs, performance.now());
    }
  }

  #note(beganMs: number, endedMs: number): void {
    const tookMs = endedMs - beganMs;
    if (tookMs <= SLOW_MS) {
      if (++this.#quickInRow >= CHANCE) this.#pauseMs = 0;
      return;
    }
    this.#quickInRow = 0;
    this.#pauseMs = Math.min(MAX_PAUSE_MS, Math.max(this.#minPauseMs, tookMs, 2 * this.#pauseMs));
    this.#slowUntilMs = endedMs + this.#pauseMs;
  }
}

/** The calls that find, open and close files. All stores of the process share it. */
const shared = new QuickCalls();

/**
 * Makes a call that finds, opens, examines or closes a file: synchronously, unless such calls are slow now.
 *
 * @param call Makes it synchronously.
 * @param elsewhere Makes it through the thread pool.
 * @throws What the calls throw; or the result rejects with it.
 * @example
 * ```ts
 * const real = await quickly(() => realpathSync.native(path), () => realpath(path));
 * ```
 */
export function quickly<Result>(call: () => Result, elsewhere: () => Promise<Result>): Result | Promise<Result> {
  return shared.areQuick ? shared.now(call) : elsewhere();
}
