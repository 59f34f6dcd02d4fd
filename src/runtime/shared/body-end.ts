/**
 * Whether a request body that has ended is complete. Over HTTP/1 a body has a length or chunks, which say so themselves.
 * Over HTTP/2 a client that gives up resets its request, and runtimes and clients let that look like the end of its body.
 * @module
 */

/** Milliseconds after the end of a body in which its reset still shows. Most clients send an end in front of it. */
const RESET_SHOWS_MS = 25;

/** Whether the signal of a request aborts at once, now that its body has ended. */
export function abortsNow(signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(true);
  return new Promise((resolve) => {
    const told = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", told);
      resolve(signal.aborted);
    };
    const timer = setTimeout(told, RESET_SHOWS_MS);
    signal.addEventListener("abort", told);
  });
}
