/**
 * The error of an operation that its caller has aborted.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** The error for an aborted signal, with the signal's reason as its cause. */
export function aborted(signal: AbortSignal | undefined, path: string): StreamError {
  return new StreamError("aborted", `The caller has aborted the operation on "/${path}".`, {
    path,
    cause: signal?.reason,
  });
}
