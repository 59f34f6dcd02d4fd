/**
 * Failures of an append that goes on, where the server does not have what it should have.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";

/** The server has another number of bytes. */
export function otherSize({ href, pathname }: URL, what: string): StreamError {
  const message = `The server has ${what}: "${pathname}" was changed by somebody else.`;
  return new StreamError("changed", message, { path: href });
}

/**
 * The source is shorter than it was; the server has what an earlier run has read of it.
 *
 * @param missing Bytes that the server has and the source has not.
 */
export function sourceTooShort({ href }: URL, missing: number): StreamError {
  const message =
    `The input has ended ${missing} bytes before what the server has of it already. To go on, it must yield the ` +
    "same bytes as before, from its first one. Nothing was added.";
  return new StreamError("changed", message, { path: href });
}
