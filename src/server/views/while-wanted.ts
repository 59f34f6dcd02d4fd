/**
 * Work for the answer to a request, which ends when the answer is not needed any more.
 * @module
 */
import type { Exchange, Service } from "../service/service.ts";

/** Aborts when the client of a request has gone, or the server shuts down. */
export interface Wanted {
  readonly signal: AbortSignal;
  /** Aborts as well. Call it when the work is over. */
  release(): void;
}

/**
 * Watches whether the answer to a request is still needed.
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
