/**
 * A task whose concurrent calls share runs.
 * @module
 */

/**
 * Joins the calls of a task. Each gets the result of a run that began no earlier than the call; at most one run is under
 * way. So any number of callers at a time cost two runs.
 *
 * @example
 * ```ts
 * const look = sharedRuns(() => store.stat("a.log"));
 * await Promise.all([look(), look(), look()]); // two runs
 * ```
 */
export function sharedRuns<T>(run: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | undefined;
  let next: Promise<T> | undefined;
  const begin = (): Promise<T> => {
    next = undefined;
    const begun = run();
    const over = (): void => {
      // If there is a next run, it begins in this turn; a caller in between joins it.
      if (!next) current = undefined;
    };
    current = begun;
    begun.then(over, over);
    return begun;
  };
  return () => {
    if (!current) return begin();
    next ??= current.then(begin, begin);
    return next;
  };
}
