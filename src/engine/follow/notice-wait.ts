/**
 * Waits for what another process does to a path.
 * @module
 */
import type { Store } from "../storage/store.ts";

/** Milliseconds from a notice to the end of a wait: a process that appends all the time gives many notices. */
const MIN_MS = 2;

/** The notices about one path, for a caller that tries something again and again. Call {@link stop} in the end. */
export class NoticeWait {
  /** Stops listening. */
  readonly stop: () => void;
  readonly #untilMs: number;
  #isNoticed = false;
  #wake: () => void = () => {};

  /**
   * Begins to listen, where the store has notices.
   *
   * @param forMs Milliseconds for which the caller tries, its attempts included. Default: it does not ask.
   */
  constructor(store: Store, path: string, forMs: number = Number.POSITIVE_INFINITY) {
    this.#untilMs = performance.now() + forMs;
    const heard = (): void => {
      this.#isNoticed = true;
      this.#wake();
    };
    this.stop = store.notices?.(path, heard) ?? (() => {});
  }

  /** Whether the time of the caller is over. */
  get isLate(): boolean {
    return performance.now() >= this.#untilMs;
  }

  /** Waits until there was a notice since the last wait, for `ms` milliseconds at most. */
  async within(ms: number): Promise<void> {
    if (!this.#isNoticed) await this.#notice(ms);
    const isNoticed = this.#isNoticed;
    this.#isNoticed = false;
    if (isNoticed) await new Promise((resolve) => setTimeout(resolve, MIN_MS));
  }

  #notice(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }
}
