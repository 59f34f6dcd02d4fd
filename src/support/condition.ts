/**
 * Waiting until something has changed.
 * @module
 */

/**
 * Those who wait for a change, woken together.
 *
 * @example
 * ```ts
 * const changed = new Condition();
 * setTimeout(() => changed.wake(), 100);
 * await changed.wait();
 * ```
 */
export class Condition {
  #waiting: (() => void)[] = [];

  /** Resolves at the next {@link wake}. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Wakes all who wait now. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
