/**
 * Schedules scans, so that they do not delay live data.
 * @module
 */

/** Runs one slice of work per turn of the event loop, for all scans of a server together, in the order of the requests. */
export class ScanTurns {
  readonly #waiting: (() => void)[] = [];
  #isScheduled = false;

  /** Resolves when the caller may do one slice of work. A slice should take a few milliseconds at most. */
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

/** Calls back after all pending events. */
function afterEvents(callback: () => void): void {
  // Not a web standard, but Node, Deno and Bun have it. A timer waits for at least a millisecond.
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (setImmediate) setImmediate(callback);
  else setTimeout(callback, 0);
}
