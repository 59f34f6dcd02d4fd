/**
 * One timer for everything in this process that polls files.
 * @module
 */

/** Milliseconds between two ticks. */
export const TICK_MS = 100;

/** The callbacks for the next tick. */
const waiting = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Calls back at the next tick, once. Call the result to cancel that. */
export function atNextTick(callback: () => void): () => void {
  waiting.add(callback);
  timer ??= setTimeout(tick, TICK_MS);
  return () => {
    waiting.delete(callback);
    if (waiting.size > 0) return;
    clearTimeout(timer);
    timer = undefined;
  };
}

function tick(): void {
  timer = undefined;
  const due = [...waiting];
  waiting.clear();
  for (const callback of due) callback();
}
