/**
 * Calls functions that users provide; errors that they throw or reject with must not end an append or the process.
 * @module
 */
import { explained, placeOf } from "./printable.ts";

/** Failures already written to the console: each kind once, and a bounded number of kinds. */
const reported = new Set<string>();

/** Maximum number of kinds of failures that are written to the console. */
const MAX_REPORTS = 50;

/**
 * Calls a function that may be missing, throw, or return a promise that rejects. A failure is written to the console,
 * once per kind, and has no other effect. The promise is not awaited.
 *
 * @param name The name of the option that holds the function, such as `log`.
 * @example
 * ```ts
 * callUser("onState", options.onState, { state: "connecting" });
 * ```
 */
export function callUser<Args extends readonly unknown[]>(
  name: string,
  callback: ((...args: Args) => unknown) | undefined,
  ...args: Args
): void {
  try {
    const result = callback?.(...args);
    if (isThenable(result)) void Promise.resolve(result).catch((error: unknown) => reportFailure(name, error));
  } catch (error) {
    reportFailure(name, error);
  }
}

/**
 * Writes to the console that a user's function failed, once per kind of failure. Never throws.
 *
 * @example
 * ```ts
 * reportFailure("log", new Error("boom"));
 * ```
 */
export function reportFailure(name: string, error: unknown): void {
  try {
    const what = explained(error);
    const kind = `${name}: ${what}`;
    if (reported.has(kind) || reported.size >= MAX_REPORTS) return;
    reported.add(kind);
    console.error(`httpfstream: the function "${name}" failed and was ignored: ${what}${placeOf(error)}`);
  } catch {
    // The console is missing or broken, or the error can't be read: there is no other place to report it.
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
