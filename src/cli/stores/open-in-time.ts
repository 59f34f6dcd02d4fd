/**
 * Opens the store of a server before it listens.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** Milliseconds for which a store that does not answer is tried again: all machines may just have been started. */
const START_MS = 30_000;

/** Milliseconds between two attempts. */
const RETRY_MS = 500;

/**
 * Opens a store. One that is `unavailable` is tried again for 30 s.
 *
 * @param open One attempt.
 * @param signal Ends the wait.
 * @param startMs Milliseconds for which attempts begin. Default 30,000.
 * @returns Whether it is open; false if the signal came first.
 * @throws What the last attempt throws.
 */
export async function openInTime(
  open: () => Promise<void>,
  signal: AbortSignal,
  startMs: number = START_MS,
): Promise<boolean> {
  const untilMs = performance.now() + startMs;
  const aborted = aborting(signal);
  for (;;) {
    const outcome = await Promise.race([outcomeOf(open), aborted]);
    if (outcome === undefined) return false;
    if (outcome === "open") return true;
    const { error } = outcome;
    const isTemporary = error instanceof StreamError && error.code === "unavailable";
    if (!isTemporary || performance.now() + RETRY_MS > untilMs) throw error;
    await Promise.race([new Promise((resolve) => setTimeout(resolve, RETRY_MS)), aborted]);
    if (signal.aborted) return false;
  }
}

async function outcomeOf(open: () => Promise<void>): Promise<"open" | { readonly error: unknown }> {
  try {
    await open();
    return "open";
  } catch (error) {
    return { error };
  }
}

/** Resolves once a signal aborts. */
function aborting(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
