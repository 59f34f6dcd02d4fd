/**
 * Detects changes that other programs make to a file during an append.
 * @module
 */
import { type Stats, statSync } from "node:fs";
import { diskError } from "../folders/errors.ts";

/** The change of a file that has more bytes than this process knows of. */
export const WRITTEN_TO = "written to by another program";

/**
 * How a file that had `size` bytes has changed, as text for a message; undefined if it still has that size.
 *
 * @param found The file now; undefined if it is missing.
 */
export function changeOf(found: Stats | undefined, size: number): string | undefined {
  if (!found) return "removed";
  if (found.size === size) return undefined;
  return found.size < size ? "truncated" : WRITTEN_TO;
}

/**
 * The stats of a file, synchronously; undefined if it is missing.
 *
 * @param path The resource path, for messages.
 * @throws {StreamError} `denied`, `storage`.
 */
export function statsAt(file: string, path: string): Stats | undefined {
  try {
    return statSync(file);
  } catch (error) {
    const failure = diskError(error, path);
    if (["not_found", "path_conflict"].includes(failure.code)) return undefined;
    throw failure;
  }
}
