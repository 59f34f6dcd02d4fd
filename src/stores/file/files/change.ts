/**
 * What hands may do to a file that is appended to.
 * @module
 */
import type { Stats } from "node:fs";

/** What is said of a file that has more bytes than we know of. */
export const WRITTEN_TO = "written to by somebody else";

/** What has happened to a file that had so many bytes, in a word; nothing if it has them still. */
export function changeOf(found: Stats | undefined, size: number): string | undefined {
  if (!found) return "removed";
  if (found.size === size) return undefined;
  return found.size < size ? "truncated" : WRITTEN_TO;
}
