/**
 * Extends an error after failed retries: what is stored so far, and how to continue.
 * @module
 */
import { type ErrorCode, StreamError } from "../../client/mod.ts";
import { sentence } from "../common/error-line.ts";

/** The errors that are retried. */
const TEMPORARY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["unreachable", "restarting", "unavailable", "overloaded", "busy", "too_many", "conflict"] as const),
]);

/**
 * Adds details to the error if it is one that is retried; returns other errors unchanged.
 *
 * @param error The error that ended an append or follow that had begun.
 * @param retryFor Seconds without progress after which the client gave up.
 * @param stored What is stored so far and how to continue, in sentences.
 */
export function gaveUp(error: unknown, retryFor: number, stored: string): unknown {
  if (!(error instanceof StreamError) || !TEMPORARY.has(error.code)) return error;
  const tried = retryFor > 0 ? ` Gave up after ${retryFor} s without progress.` : "";
  return new StreamError(error.code, `${sentence(error.message)}${tried} ${stored}`, {
    headers: error.headers,
    cause: error,
  });
}

/** Adds to an error that the option `--wait` would wait for it to pass. Other errors are returned unchanged. */
export function withWaitHint(error: unknown, waitedFor: ReadonlySet<ErrorCode>): unknown {
  if (!(error instanceof StreamError) || !waitedFor.has(error.code)) return error;
  const { code, headers } = error;
  return new StreamError(code, `${sentence(error.message)} To wait, use --wait.`, { headers, cause: error });
}

/**
 * Formats a number of bytes.
 *
 * @example
 * ```ts
 * inBytes(1); // "1 byte"
 * ```
 */
export function inBytes(count: number): string {
  return `${count} ${count === 1 ? "byte" : "bytes"}`;
}
