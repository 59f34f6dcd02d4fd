/**
 * Turns for work that reads whole resources, so that it does not delay what is sent live.
 * @module
 */

/** Gives all scans of a server their turns: one slice of work per turn of the event loop, in the order of their requests. */
export class ScanTurns {
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;

  /** Resolves when the caller may do one slice of work, which should take no more than a few milliseconds. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    afterEvents(() => {
      this.#isScheduled = false;
      this.#waiting.shift()?.();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }
}

/** Calls back when the events that wait now have been handled. */
function afterEvents(callback: () => void): void {
  // Not in the web standards, but available on Node, Deno and Bun. A timer waits for a millisecond or more.
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate) setImmediate(callback);
  else setTimeout(callback, 0);
}
