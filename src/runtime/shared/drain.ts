/**
 * Waiting for a socket's buffer to drain.
 * @module
 */

/** How often, in milliseconds, the buffer is looked at while somebody waits for it. */
const POLL_MS = 10;

interface Waiter {
  readonly bytes: number;
  readonly wake: () => void;
}

/** Wakes who waits for a buffer to drain. Where it is not told of everything that leaves, it looks, while somebody waits. */
export class Drain {
  readonly #pending: () => number;
  readonly #told: boolean;
  readonly #waiters = new Set<Waiter>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param pending Bytes in the buffer; 0 when the connection has gone.
   * @param told Whether {@link look} is called whenever something has left.
   */
  constructor(pending: () => number, told = false) {
    this.#pending = pending;
    this.#told = told;
  }

  /** Resolves when at most so many bytes are in the buffer. */
  wait(bytes: number): Promise<void> {
    if (this.#pending() <= bytes) return Promise.resolve();
    if (!this.#told) this.#timer ??= setInterval(() => this.look(), POLL_MS);
    return new Promise((wake) => {
      this.#waiters.add({ bytes, wake });
    });
  }

  /** Wakes whoever need not wait any more: something has left. */
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
