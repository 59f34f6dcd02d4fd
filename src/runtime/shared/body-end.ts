/**
 * Whether a request body that has ended is complete. Over HTTP/1, its length or its chunks tell. Over HTTP/2, a client
 * that gives up resets its request, which runtimes and clients may present as the end of the body.
 * @module
 */

/** Milliseconds after the end of a body within which a reset shows. Most clients send an end of stream before it. */
const RESET_SHOWS_MS = 25;

/** Whether a request's signal aborts right after the body has ended. */
export function abortsNow(signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", settle);
      resolve(signal.aborted);
    };
    const timer = setTimeout(settle, RESET_SHOWS_MS);
    signal.addEventListener("abort", settle);
  });
}
