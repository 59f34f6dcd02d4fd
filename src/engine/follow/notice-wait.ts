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
  #isNoticed = false;
  #wake: () => void = () => {};

  /** Begins to listen, where the store has notices. */
  constructor(store: Store, path: string) {
    const heard = (): void => {
      this.#isNoticed = true;
      this.#wake();
    };
    this.stop = store.notices?.(path, heard) ?? (() => {});
  }

  /**
   * Waits until there was a notice since the last wait, for `ms` milliseconds at most.
   *
   * @returns About how many milliseconds it has waited.
   */
  async within(ms: number): Promise<number> {
    if (!this.#isNoticed) await this.#notice(ms);
    const isNoticed = this.#isNoticed;
    this.#isNoticed = false;
    if (!isNoticed) return ms;
    await new Promise((resolve) => setTimeout(resolve, MIN_MS));
    return MIN_MS;
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
