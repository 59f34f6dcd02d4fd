/**
 * Detects changes that other programs make to a file during an append.
 * @module
 */
import type { Stats } from "node:fs";

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
