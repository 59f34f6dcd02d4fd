/**
 * Drives the state machine of `reconnect.ts` with a clock and with chance.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import type { Clock } from "../connection/environment.ts";
import { RETRY_FOR_MS } from "../connection/limits.ts";
import { beginning, type ReconnectEvent, type ReconnectState, type RetryPolicy, step } from "./reconnect.ts";

/** How persistent an append or a follow is. */
export interface RetryOptions {
  /**
   * Milliseconds that it tries again after a connection broke or was refused for a while, counted from the last
   * progress. 0 for not at all. Default 120,000.
   */
  retryForMs?: number;
  /**
   * Whether to try again also when the very first attempt reaches nobody. Default false: it is more likely a mistake
   * in the URL.
   */
  retryFirst?: boolean;
}

/** It waits for the next attempt. */
export interface RetryingState {
  readonly state: "retrying";
  /** The number of the attempt that comes, counted from the last progress. */
  readonly attempt: number;
  /** Milliseconds until then. */
  readonly delayMs: number;
  /** Why the last one failed, or how the connection broke. */
  readonly error: StreamError;
}

/** What a {@link Reconnector} works with. */
export interface ReconnectorParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly options: RetryOptions;
  /** Whether it is about something that was begun before. */
  readonly resuming: boolean;
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  /** Is told before each wait. */
  readonly onRetrying: (state: RetryingState) => void;
}

/** Decides about the attempts of one append or follow. */
export class Reconnector {
  readonly #parts: ReconnectorParts;
  readonly #policy: RetryPolicy;
  #state: ReconnectState;

  constructor(parts: ReconnectorParts) {
    const { retryForMs = RETRY_FOR_MS, retryFirst = false } = parts.options;
    this.#parts = parts;
    this.#policy = { retryForMs, retryFirst };
    this.#state = beginning(parts.clock.now(), parts.resuming);
  }

  /** The server has granted a connection. */
  reached(): void {
    this.#step({ type: "reached" });
  }

  /** The server has said where it starts. */
  opened(): void {
    this.#step({ type: "opened", nowMs: this.#parts.clock.now() });
  }

  /** Bytes came or were acknowledged. */
  progressed(): void {
    if (!this.#state.progressed) this.#step({ type: "progressed" });
  }

  /**
   * An attempt failed, or the connection broke. Resolves when it is time for the next attempt.
   *
   * @throws the error itself, when there is no point in another attempt; nothing in particular when the signal aborts.
   */
  async lost(error: StreamError): Promise<void> {
    const { clock, random, signal, onRetrying } = this.#parts;
    signal.throwIfAborted();
    const action = this.#step({ type: "lost", error, nowMs: clock.now(), chance: random() });
    if (action?.type !== "wait") throw error;
    const { attempt, delayMs } = action;
    onRetrying({ state: "retrying", attempt, delayMs, error });
    await sleep(clock, delayMs, signal);
    this.#step({ type: "due" });
  }

  #step(event: ReconnectEvent): ReturnType<typeof step>[1] {
    const [state, action] = step(this.#state, event, this.#policy);
    this.#state = state;
    return action;
  }
}

/** Waits; rejects with the signal's reason when it aborts. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}
