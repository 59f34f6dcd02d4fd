/**
 * A signal for the work on an answer: it aborts when the answer is no longer needed.
 * @module
 */
import type { Exchange, Service } from "../service/service.ts";

/** Whether the answer to a request is still needed. */
export interface Wanted {
  /** Aborts when the client has disconnected, and when the server shuts down. */
  readonly signal: AbortSignal;
  /** Aborts the signal and removes the listeners. Call it when the work is over. */
  release(): void;
}

/**
 * Watches the client and the server for the duration of a request.
 *
 * @throws {StreamError} `restarting` if the shutdown has begun.
 */
export function whileWanted({ registry }: Service, { c, platform }: Exchange): Wanted {
  const unwanted = new AbortController();
  const stop = (): void => unwanted.abort();
  const forget = registry.onClose(async () => stop());
  platform.onGone?.(c, stop);
  const { signal } = c.req.raw;
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  return {
    signal: unwanted.signal,
    release() {
      forget();
      signal.removeEventListener("abort", stop);
      stop();
    },
  };
}
