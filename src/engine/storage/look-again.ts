/**
 * Looks at a store whose answers may be stale.
 * @module
 */
import { type ErrorCode, StreamError } from "../../protocol/errors.ts";
import type { Store } from "./store.ts";

/** Milliseconds between two looks. */
const INTERVAL_MS = 100;

/** Minimum number of looks that disagree before the request is refused for that: a barrier may take long. */
const MIN_LOOKS = 5;

/** The codes of errors that a stale answer may cause. */
const DOUBTFUL: ReadonlySet<ErrorCode> = new Set(["range", "replaced", "changed", "gone", "precondition_failed"]);

/**
 * Looks at a store, and again if the result would refuse a request that the present state might not refuse: an offset
 * past the end, other content, fewer bytes, no session. Such an error counts once a look after a barrier has the same;
 * on a store without barriers, a look that began `maxStaleMs` after the first one. On a store that is never stale, the
 * first look decides.
 *
 * @param store The store, or only its members about stale answers.
 * @param look Looks at the store, changes nothing, and throws what it finds. It is called several times.
 * @throws {StreamError} `restarting` if the looks disagree to the last; errors of `look` and of the barrier.
 * @example
 * ```ts
 * const found = await lookAgain(store, async () => {
 *   const found = await store.stat("a.log");
 *   checkGeneration("a.log", wanted, found?.generation);
 *   return found;
 * });
 * ```
 */
export async function lookAgain<T>(store: Pick<Store, "maxStaleMs" | "barrier">, look: () => Promise<T>): Promise<T> {
  const { maxStaleMs } = store;
  if (maxStaleMs === undefined) return look();
  const untilMs = performance.now() + maxStaleMs;
  let before: StreamError | undefined;
  let hasBarrier = false;
  for (let looks = 1; ; looks++) {
    const isLate = performance.now() >= untilMs;
    try {
      return await look();
    } catch (error) {
      const doubt = doubtful(error);
      const isSame = doubt.code === before?.code && doubt.message === before.message;
      if ((isLate || hasBarrier) && isSame) throw doubt;
      if (isLate && looks >= MIN_LOOKS) throw unsettled(doubt);
      // A difference after a barrier may also be true: the path may be changing right now.
      before = hasBarrier ? doubt : (before ?? doubt);
    }
    hasBarrier = await setBarrier(store, before);
    if (!hasBarrier) await pauseUntil(untilMs);
  }
}

/** An error that a stale answer may have caused. Any other one is thrown. */
function doubtful(error: unknown): StreamError {
  if (error instanceof StreamError && DOUBTFUL.has(error.code)) return error;
  throw error;
}

/** Sets a barrier, if the store has them. */
async function setBarrier(store: Pick<Store, "barrier">, { path }: StreamError): Promise<boolean> {
  if (!store.barrier || path === undefined) return false;
  await store.barrier(path);
  return true;
}

async function pauseUntil(untilMs: number): Promise<void> {
  const leftMs = untilMs - performance.now();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(INTERVAL_MS, leftMs))));
}

function unsettled(cause: StreamError): StreamError {
  const message = `The servers of the store do not agree yet about ${cause.path === undefined ? "this path" : `"/${cause.path}"`}. Try again in a moment.`;
  return new StreamError("restarting", message, {
    ...(cause.path === undefined ? {} : { path: cause.path }),
    cause,
    headers: { "Retry-After": "1" },
  });
}
