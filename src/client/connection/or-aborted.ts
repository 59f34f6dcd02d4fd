/**
 * Waits for a promise that does not know the signal.
 * @module
 */

/**
 * Settles like `work`, or rejects with the reason of the signal if that aborts first.
 *
 * @param work The result to wait for.
 * @param signal Ends the wait. Default: no signal.
 * @param late Called with a result that arrives after the signal.
 * @example
 * ```ts
 * const token = await orAborted(askForToken(), signal);
 * ```
 */
export async function orAborted<T>(
  work: T | Promise<T>,
  signal: AbortSignal | undefined,
  late: (result: T) => void = () => {},
): Promise<T> {
  if (!signal) return await work;
  return await new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    Promise.resolve(work)
      .then((result) => {
        if (signal.aborted) late(result);
        resolve(result);
      }, reject)
      .finally(() => signal.removeEventListener("abort", stop));
  });
}
