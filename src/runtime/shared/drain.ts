/**
 * Waiting for a socket's buffer to drain.
 * @module
 */

/** Milliseconds between two checks of the buffer while a caller waits. */
const POLL_MS = 10;

interface Waiter {
  readonly bytes: number;
  readonly wake: () => void;
}

/**
 * Wakes callers that wait for a buffer to drain. Polls the buffer while there are any, unless its owner reports all
 * progress.
 */
export class Drain {
  readonly #pending: () => number;
  readonly #isReported: boolean;
  readonly #waiters = new Set<Waiter>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param pending Returns the bytes in the buffer; 0 if the connection is gone.
   * @param isReported Whether {@link look} is called whenever something was sent. Default false.
   */
  constructor(pending: () => number, isReported = false) {
    this.#pending = pending;
    this.#isReported = isReported;
  }

  /** Resolves when at most `bytes` bytes are in the buffer. */
  wait(bytes: number): Promise<void> {
    if (this.#pending() <= bytes) return Promise.resolve();
    if (!this.#isReported) this.#timer ??= setInterval(() => this.look(), POLL_MS);
    return new Promise((wake) => {
      this.#waiters.add({ bytes, wake });
    });
  }

  /** Checks the buffer, and wakes the callers whose wait is over. */
  look(): void {
    if (this.#waiters.size === 0) return;
    const pending = this.#pending();
    for (const waiter of this.#waiters) {
      if (pending > waiter.bytes) continue;
      this.#waiters.delete(waiter);
      waiter.wake();
    }
    if (this.#waiters.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
