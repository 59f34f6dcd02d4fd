/**
 * Paths of entries, put together and taken apart. `node:path` would examine each character for what has to be resolved; these
 * paths are resolved already.
 * @module
 */
import { relative, sep } from "node:path";

/** The path of an entry of a folder, or of one below it. */
export function entryIn(folder: string, name: string): string {
  return folder.endsWith(sep) ? folder + name : folder + sep + name;
}

/** The name of a file below a root, relative to the root; empty for the root itself. */
export function nameBelow(root: string, file: string): string {
  const isBelow = file.length > root.length && file.startsWith(root) && file[root.length] === sep;
  return isBelow ? file.slice(root.length + 1) : relative(root, file);
}
