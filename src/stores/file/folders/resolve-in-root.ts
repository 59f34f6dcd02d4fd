/**
 * Where a resource path lies on disk, without ever leaving the root.
 * @module
 */
import { lstat, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { StreamError } from "../../../protocol/errors.ts";
import { RESERVED_SEGMENT } from "../../../protocol/path.ts";
import { diskError, isMissing } from "./errors.ts";

/**
 * The real place of a path below a real root. What does not exist yet is appended to what does. Symlinks are followed
 * as long as they stay below the root.
 *
 * @throws {StreamError} `bad_path` for a symlink that leads out or nowhere, `path_conflict` below a file.
 */
export async function resolveInRoot(root: string, path: string): Promise<string> {
  try {
    const real = await realpath(join(root, path));
    if (!isOpen(root, real)) throw outside(path);
    return real;
  } catch (error) {
    if (!isMissing(error)) throw diskError(error, path);
  }
  return walk(root, path);
}

/** Segment by segment, for a path that does not exist as a whole. */
async function walk(root: string, path: string): Promise<string> {
  const segments = path.split("/");
  let here = root;
  for (const [depth, segment] of segments.entries()) {
    const next = join(here, segment);
    const found = await lstat(next).catch(unlessMissing(path));
    if (!found) return join(here, ...segments.slice(depth));
    const real = found.isSymbolicLink() ? await realpath(next).catch(unlessMissing(path)) : next;
    // A link that leads nowhere is refused, for nobody knows where it would lead.
    if (real === undefined || !isOpen(root, real)) throw outside(path);
    here = real;
  }
  return here;
}

/** For a promise's catch: nothing for what does not exist, or the right error. */
function unlessMissing(path: string): (error: unknown) => undefined {
  return (error) => {
    if (!isMissing(error)) throw diskError(error, path);
    return undefined;
  };
}

/** Whether a real place is below the root, and not where the store keeps what is its own. */
export function isOpen(root: string, real: string): boolean {
  return isWithin(root, real) && !isWithin(join(root, RESERVED_SEGMENT), real);
}

function isWithin(root: string, real: string): boolean {
  return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep);
}

function outside(path: string): StreamError {
  const why = "a symbolic link leads out of the root, to what is reserved, or nowhere";
  return new StreamError("bad_path", `"/${path}" is refused: ${why}.`, { path });
}
