/**
 * What to tell when it was tried again and again in vain: what is there by now, and how to go on with it.
 * @module
 */
import { type ErrorCode, StreamError } from "../../client/mod.ts";
import { sentence } from "./complaint.ts";

/** What trying again is for. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["unreachable", "restarting", "overloaded", "conflict"]);

/**
 * The error with more to say, where it is one that was tried again.
 *
 * @param error What ended an append or a follow that had begun.
 * @param retryFor Seconds without progress that it was tried.
 * @param stored What is there by now, and how to go on, in sentences.
 */
export function gaveUp(error: unknown, retryFor: number, stored: string): unknown {
  if (!(error instanceof StreamError) || !PASSING.has(error.code)) return error;
  const tried = retryFor > 0 ? ` Gave up after ${retryFor} s without progress.` : "";
  return new StreamError(error.code, `${sentence(error.message)}${tried} ${stored}`, {
    headers: error.headers,
    cause: error,
  });
}

/** A number of bytes in words. */
export function inBytes(count: number): string {
  return `${count} ${count === 1 ? "byte" : "bytes"}`;
}
