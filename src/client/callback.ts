/**
 * Calling functions of the caller's.
 * @module
 */

/**
 * Calls a function of the caller's. What it throws does not break the append or the follow in the middle of something,
 * but goes where errors of event listeners go.
 */
export function tell<T>(callback: ((news: T) => void) | undefined, news: T): void {
  try {
    callback?.(news);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
