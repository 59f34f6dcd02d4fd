/**
 * The end of a turn of the event loop.
 * @module
 */

/**
 * Resolves when the runtime has delivered everything that it read in this turn; at once if `setImmediate` is missing.
 *
 * @example
 * ```ts
 * await turnEnd();
 * ```
 */
export function turnEnd(): Promise<void> {
  // Not in the web standards, but available on Node, Deno and Bun.
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else resolve();
  });
}
