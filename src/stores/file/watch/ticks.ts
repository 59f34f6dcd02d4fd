/**
 * One timer for everything in this process that looks at files again and again.
 * @module
 */

/** Milliseconds between two ticks. */
export const TICK_MS = 100;

/** Those who wait for the next tick. */
const waiting = new Set<() => void>();
let isRunning = false;

/** Calls back at the next tick, once. Call the result to cancel that. */
export function atNextTick(callback: () => void): () => void {
  waiting.add(callback);
  if (!isRunning) start();
  return () => waiting.delete(callback);
}

function start(): void {
  isRunning = true;
  setTimeout(() => {
    isRunning = false;
    const due = [...waiting];
    waiting.clear();
    for (const callback of due) callback();
    if (waiting.size > 0 && !isRunning) start();
  }, TICK_MS);
}
