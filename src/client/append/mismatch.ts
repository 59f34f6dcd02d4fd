/**
 * Errors of an append whose server has other bytes than expected.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** The error for a server that has an unexpected number of bytes. */
export function otherSize({ href, pathname }: URL, what: string): StreamError {
  const message = `The server has ${what}: "${pathname}" was changed by another program.`;
  return new StreamError("changed", message, { path: href });
}

/**
 * The error for a source that is shorter than the part of it that an earlier run sent.
 *
 * @param missing Bytes that the server has and the source lacks.
 */
export function sourceTooShort({ href }: URL, missing: number): StreamError {
  const message =
    `The input ended ${missing} bytes before the end of what the server has of it. To resume, it must yield the ` +
    "same bytes as before, from the first one. Nothing was appended.";
  return new StreamError("changed", message, { path: href });
}
