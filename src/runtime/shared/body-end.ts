/**
 * Whether a request body that has ended is complete. Over HTTP/1, its length or its chunks show it. Over HTTP/2, a client
 * that gives up resets its request, which runtimes and clients may present as the end of the body.
 * @module
 */

/** Milliseconds to wait for a reset after the end of a body. Most clients send END_STREAM before they reset. */
const RESET_SHOWS_MS = 100;

/**
 * Whether a request's signal aborts right after the body has ended.
 *
 * @param overtaken Resolves when a reset that the client sent together with the end must have arrived. Default: unknown,
 * which costs every request 100 ms.
 */
export function abortsNow(signal: AbortSignal, overtaken?: Promise<unknown>): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", settle);
      resolve(signal.aborted);
    };
    const timer = setTimeout(settle, RESET_SHOWS_MS);
    void overtaken?.then(settle);
    signal.addEventListener("abort", settle);
  });
}
