/**
 * Appenders that say nothing for longer than the operator allows.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** Cuts an appender off after a time without a byte. One timer, moved on only when it fires: not a timer a message. */
export class IdleTimeout {
  readonly #limitMs: number;
  readonly #cutOff: (error: StreamError) => void;
  readonly #isExcused: () => boolean;
  #heardMs = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param limitMs Milliseconds; 0 for as long as it likes.
   * @param cutOff Called once, with `idle`.
   * @param isExcused Whether it is the store that is slow, and not the appender.
   */
  constructor(limitMs: number, cutOff: (error: StreamError) => void, isExcused: () => boolean) {
    this.#limitMs = limitMs;
    this.#cutOff = cutOff;
    this.#isExcused = isExcused;
    if (limitMs > 0) this.#wait(limitMs);
  }

  /** Something came. */
  heard(): void {
    this.#heardMs = performance.now();
  }

  /** The append has ended. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(inMs: number): void {
    this.#timer = setTimeout(() => {
      if (this.#isExcused()) this.heard();
      const leftMs = this.#heardMs + this.#limitMs - performance.now();
      if (leftMs > 0) this.#wait(leftMs);
      else this.#cutOff(idle(this.#limitMs));
    }, inMs);
  }
}

function idle(limitMs: number): StreamError {
  return new StreamError("idle", `Nothing arrived for ${limitMs / 1000} s. What arrived before is stored.`);
}
