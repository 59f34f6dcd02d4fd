/**
 * Appenders that send nothing for longer than the operator allows.
 * @module
 */
import type { Limits } from "../../engine/limits.ts";
import { StreamError } from "../../protocol/errors.ts";

/**
 * Cuts off an appender that has sent no byte for a while. Its one timer is moved on only when it fires, not per
 * message.
 */
export class IdleTimeout {
  readonly #limitMs: number;
  readonly #cutOff: (error: StreamError) => void;
  readonly #isExcused: () => boolean;
  #heardMs = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param limitMs Milliseconds without a byte; 0 for no limit.
   * @param cutOff Called once, with the error `idle`.
   * @param isExcused Whether the store is slow, rather than the appender.
   */
  constructor(limitMs: number, cutOff: (error: StreamError) => void, isExcused: () => boolean) {
    this.#limitMs = limitMs;
    this.#cutOff = cutOff;
    this.#isExcused = isExcused;
    if (limitMs > 0) this.#wait(limitMs);
  }

  /** The appender sent something. */
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

/** Milliseconds for which a body may be silent whose sender has all of it; 0 for no limit. */
export function bodyIdleOf({ idleTimeoutMs, bodyIdleMs }: Pick<Limits, "idleTimeoutMs" | "bodyIdleMs">): number {
  if (idleTimeoutMs === 0 || bodyIdleMs === 0) return idleTimeoutMs + bodyIdleMs;
  return Math.min(idleTimeoutMs, bodyIdleMs);
}

function idle(limitMs: number): StreamError {
  return new StreamError("idle", `Nothing arrived for ${limitMs / 1000} s. What arrived before is stored.`);
}
