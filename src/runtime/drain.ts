/**
 * Waiting for a socket's buffer to drain where nothing, or not everything, tells when it does.
 * @module
 */

/** How often, in milliseconds, the buffer is looked at while somebody waits for it. */
const POLL_MS = 10;

interface Waiter {
  readonly bytes: number;
  readonly wake: () => void;
}

/** Looks at a buffer for as long as somebody waits, and not a moment longer. */
export class Drain {
  readonly #pending: () => number;
  readonly #waiters = new Set<Waiter>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param pending Bytes in the buffer; 0 when the connection has gone. */
  constructor(pending: () => number) {
    this.#pending = pending;
  }

  /** Resolves when at most so many bytes are in the buffer. */
  wait(bytes: number): Promise<void> {
    if (this.#pending() <= bytes) return Promise.resolve();
    this.#timer ??= setInterval(() => this.look(), POLL_MS);
    return new Promise((wake) => {
      this.#waiters.add({ bytes, wake });
    });
  }

  /** Wakes whoever need not wait any more. Whoever hears that something has left calls it, and the poll is faster. */
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
