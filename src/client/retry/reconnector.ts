/**
 * Drives the state machine of `retry-policy.ts` with a clock and random numbers.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import type { Clock } from "../connection/environment.ts";
import { RETRY_FOR_MS } from "../connection/limits.ts";
import { beginning, type ReconnectEvent, type ReconnectState, type RetryPolicy, step } from "./retry-policy.ts";

/** How long and when an append or a follow reconnects. */
export interface RetryOptions {
  /**
   * Milliseconds to keep reconnecting without progress after a connection broke or was refused temporarily. 0 disables
   * retries. Default 120,000.
   */
  retryForMs?: number;
  /**
   * Whether to retry even if the very first attempt reaches no server. Default false, because the URL is then more
   * likely to be wrong.
   */
  retryFirst?: boolean;
}

/** The client is waiting for the next attempt. */
export interface RetryingState {
  /** Distinguishes this state from the others. */
  readonly state: "retrying";
  /** The number of the next attempt, counted from the last progress. */
  readonly attempt: number;
  /** Milliseconds until the next attempt. */
  readonly delayMs: number;
  /** Why the last attempt failed, or how the connection broke. */
  readonly error: StreamError;
}

/** The dependencies of a {@link Reconnector}. */
export interface ReconnectorParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly options: RetryOptions;
  /** Whether each attempt gets a new token. Default false. */
  readonly renewsToken?: boolean;
  /** Whether the append resumes a session that an earlier run began. */
  readonly resuming: boolean;
  /** Aborts all waiting. */
  readonly signal: AbortSignal;
  /** Called before each wait. */
  readonly onRetrying: (state: RetryingState) => void;
}

/** Schedules the attempts of one append or follow. */
export class Reconnector {
  readonly #parts: ReconnectorParts;
  readonly #policy: RetryPolicy;
  #state: ReconnectState;

  constructor(parts: ReconnectorParts) {
    const { retryForMs = RETRY_FOR_MS, retryFirst = false } = parts.options;
    this.#parts = parts;
    this.#policy = { retryForMs, retryFirst, renewsToken: parts.renewsToken === true };
    this.#state = beginning(parts.clock.now(), parts.resuming);
  }

  /** The server accepted a connection. */
  reached(): void {
    this.#step({ type: "reached" });
  }

  /** The connection is open: the start position is known. */
  opened(): void {
    this.#step({ type: "opened", nowMs: this.#parts.clock.now() });
  }

  /** Bytes were received or acknowledged. */
  progressed(): void {
    if (!this.#state.progressed) this.#step({ type: "progressed" });
  }

  /**
   * Reports that an attempt failed or the connection broke. Resolves when the next attempt is due.
   *
   * @throws {StreamError} `error` itself when a retry is pointless or the time is up; the reason of the signal when
   * that aborts.
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

/**
 * Resolves after `delayMs` milliseconds.
 *
 * @throws the reason of the signal when that aborts.
 */
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
