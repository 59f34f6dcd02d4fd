/**
 * What errors of the NATS client mean.
 * @module
 */
import { JetStreamApiError } from "@nats-io/jetstream";
import { storeUnavailable } from "../../../engine/storage/unavailable.ts";
import { StreamError } from "../../../protocol/errors.ts";

/** Another sequence was the last one of the subject. */
const WRONG_SEQUENCES: ReadonlySet<number> = new Set([10071, 10164]);

/** The stream, the server or the account has as many bytes as it may. */
const FULL: ReadonlySet<number> = new Set([10002, 10023, 10047, 10077]);

/** The stream does not exist, or no server knows it yet. */
export const STREAM_NOT_FOUND = 10059;

/** The code of an answer of JetStream; undefined for any other error. */
export function apiCode(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}

/** Whether a write was refused because its subject had another last sequence, as far as that server knew. */
export function isWrongSequence(error: unknown): boolean {
  return WRONG_SEQUENCES.has(apiCode(error) ?? 0);
}

/** Whether a write was refused because there is no room. */
export function isFull(error: unknown): boolean {
  return FULL.has(apiCode(error) ?? 0);
}

/**
 * The error that no further attempt would change; undefined if one may succeed.
 *
 * @param path The path that it is about.
 */
export function finalError(error: unknown, path: string): StreamError | undefined {
  if (error instanceof StreamError) return error;
  const name = error instanceof Error ? error.name : "";
  if (name === "ClosedConnectionError" || name === "DrainingConnectionError") {
    return new StreamError("unavailable", `The store of "/${path}" is closed.`, { path, cause: error });
  }
  if (name === "PermissionViolationError" || name === "AuthorizationError") {
    return new StreamError("denied", `The NATS account of this server may not do what "/${path}" needs.`, {
      path,
      cause: error,
    });
  }
  if (name === "InvalidArgumentError" || name === "InvalidSubjectError") {
    return new StreamError("storage", `The NATS client refuses a request about "/${path}".`, { path, cause: error });
  }
  return undefined;
}

/** What to report once no more attempts are made. */
export function lastError(error: unknown, path: string): StreamError {
  if (apiCode(error) !== STREAM_NOT_FOUND) return finalError(error, path) ?? storeUnavailable(path, error);
  const message = `The JetStream stream of "/${path}" does not exist. Another program may have removed it.`;
  return new StreamError("storage", message, { path, cause: error });
}

/** The refusal of a write for which there is no room. */
export function noSpace(path: string, cause: unknown): StreamError {
  const message = `The JetStream stream of "/${path}" is full. Remove what is not needed, or raise its limit.`;
  return new StreamError("no_space", message, { path, cause });
}
