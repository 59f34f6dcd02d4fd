/**
 * Errors of a store that does not answer.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** Seconds after which a client may try again, if the driver does not say. */
const RETRY_AFTER_SECONDS = "1";

/**
 * The failure of a store that does not answer at present.
 *
 * @param path The resource path; the empty string if it is about the store as a whole.
 * @param cause The underlying error, for the log. Default: none.
 * @example
 * ```ts
 * storeUnavailable("a.log").headers; // { "Retry-After": "1" }
 * ```
 */
export function storeUnavailable(path: string, cause?: unknown): StreamError {
  const message = `The store of "/${path}" does not answer. Try again in a moment.`;
  return new StreamError("unavailable", message, { path, cause, headers: { "Retry-After": RETRY_AFTER_SECONDS } });
}

/** The same error, with a `Retry-After` if it has none. */
export function withRetryAfter(error: StreamError): StreamError {
  const { code, message, headers, path, cause } = error;
  if (code !== "unavailable" || Object.keys(headers).some((name) => name.toLowerCase() === "retry-after")) return error;
  const all = { ...headers, "Retry-After": RETRY_AFTER_SECONDS };
  return new StreamError(code, message, { ...(path === undefined ? {} : { path }), cause, headers: all });
}

/**
 * Whether an append that has failed with this error may continue in another process, or after another claim: its
 * session must stay, and its followers wait for what comes next.
 */
export function mayContinue(error: unknown): boolean {
  return error instanceof StreamError && (error.code === "fenced" || error.code === "unavailable");
}
