/**
 * The end of a turn of the event loop.
 * @module
 */

/** Where the runtime tells of it; not in the standards, but on Node, Deno and Bun. */
const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => unknown };

/** Resolves when everything that the runtime has read in this turn has been handed out; at once where it does not tell. */
export function turnEnd(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else resolve();
  });
}
