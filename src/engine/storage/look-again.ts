/**
 * Looks at a store whose answers may be stale.
 * @module
 */
import { type ErrorCode, StreamError } from "../../protocol/errors.ts";
import type { Store } from "./store.ts";

/** Milliseconds between two looks. */
const INTERVAL_MS = 100;

/** What a stale answer may look like. */
const DOUBTFUL: ReadonlySet<ErrorCode> = new Set(["range", "replaced", "changed", "gone", "precondition_failed"]);

/**
 * Looks at a store, and again if what it answers refuses a request that the present state would not refuse: an offset
 * past the end, other content, fewer bytes, no session. Such an error counts once a look that began `maxStaleMs` after
 * the first one has the same. On a store that is never stale, the first look decides.
 *
 * @param store The store, or how stale its answers may be.
 * @param look Looks at the store, changes nothing, and throws what it finds. It is called several times.
 * @throws {StreamError} `restarting` if the looks disagree to the last; errors of `look`.
 * @example
 * ```ts
 * const found = await lookAgain(store, async () => {
 *   const found = await store.stat("a.log");
 *   checkGeneration("a.log", wanted, found?.generation);
 *   return found;
 * });
 * ```
 */
export async function lookAgain<T>({ maxStaleMs }: Pick<Store, "maxStaleMs">, look: () => Promise<T>): Promise<T> {
  if (maxStaleMs === undefined) return look();
  const untilMs = performance.now() + maxStaleMs;
  let first: StreamError | undefined;
  for (;;) {
    const isLast = first !== undefined && performance.now() >= untilMs;
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof StreamError && DOUBTFUL.has(error.code))) throw error;
      if (isLast) throw error.code === first?.code && error.message === first.message ? error : unsettled(error);
      first ??= error;
    }
    const leftMs = untilMs - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(INTERVAL_MS, leftMs))));
  }
}

function unsettled(cause: StreamError): StreamError {
  const message = `The servers of the store do not agree yet about ${cause.path === undefined ? "this path" : `"/${cause.path}"`}. Try again in a moment.`;
  return new StreamError("restarting", message, {
    ...(cause.path === undefined ? {} : { path: cause.path }),
    cause,
    headers: { "Retry-After": "1" },
  });
}
