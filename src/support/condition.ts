/**
 * Waiting for a change.
 * @module
 */

/**
 * A change that callers wait for; one {@link wake} resumes all of them.
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

  /** Resumes all callers that wait now. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
