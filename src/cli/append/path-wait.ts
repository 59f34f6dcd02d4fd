/**
 * Waits until another appender has left the path.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { StreamError } from "../../client/mod.ts";
import { sentence } from "../common/error-line.ts";

const FIRST_MS = 500;
const MAX_MS = 5_000;

/** Milliseconds over which waiting appenders spread when the server sends a time. */
const SPREAD_MS = 1_000;

/**
 * Milliseconds before the next attempt: what the server asked for in `Retry-After`, or a delay that grows to 5 s. It is
 * partly random, so that several waiting appenders do not try at once.
 *
 * @param tries Number of failed attempts, at least 1.
 * @param retryAfter The header's value, if there was one.
 * @param chance A random number in [0, 1).
 * @example
 * ```ts
 * [1, 2, 99].map((tries) => pathWaitMs(tries, undefined, 0.5)); // [375, 562.5, 3750]
 * pathWaitMs(1, "2", 0.5); // 2500
 * ```
 */
export function pathWaitMs(tries: number, retryAfter: string | undefined, chance: number): number {
  if (retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter)) return Number(retryAfter) * 1000 + chance * SPREAD_MS;
  return Math.min(MAX_MS, FIRST_MS * 1.5 ** (tries - 1)) * (0.5 + chance / 2);
}

/** The wait of one command. */
export class PathWait {
  /** Whether it has begun. */
  begun = false;
  readonly #maxSeconds: number;
  readonly #beganMs: number = performance.now();
  #tries = 0;

  /** @param maxSeconds Seconds after which it gives up. Default: never. */
  constructor(maxSeconds: number = Number.POSITIVE_INFINITY) {
    this.#maxSeconds = maxSeconds;
  }

  /**
   * Waits for the next attempt.
   *
   * @param error Why the last attempt failed.
   * @throws `error` if it is not about another appender, or with a note when the time is up; the reason of the signal.
   */
  async next(error: unknown, signal: AbortSignal): Promise<void> {
    if (!(error instanceof StreamError) || error.code !== "conflict") throw error;
    const leftMs = this.#maxSeconds * 1000 - (performance.now() - this.#beganMs);
    if (leftMs <= 0) {
      const message = `${sentence(error.message)} Gave up after waiting ${this.#maxSeconds} s.`;
      throw new StreamError("conflict", message, { headers: error.headers, cause: error });
    }
    this.begun = true;
    const delayMs = pathWaitMs(++this.#tries, error.headers["retry-after"], Math.random());
    await sleep(Math.min(delayMs, leftMs), undefined, { signal });
  }
}
