/**
 * Resolves a resource path to its location on disk, without ever leaving the root.
 * @module
 */
import { lstatSync, realpathSync, type Stats } from "node:fs";
import { lstat, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { belowResource } from "../../../engine/storage/conflicts.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { RESERVED_SEGMENT } from "../../../protocol/path.ts";
import { diskError, errorCode, isMissing } from "./errors.ts";
import { entryIn } from "./names.ts";
import { quickly } from "./quick-calls.ts";

/**
 * The real location of a resource path below a real root. Symbolic links are followed as long as they stay below the
 * root. Segments that do not exist yet are appended to those that do.
 *
 * @throws {StreamError} `bad_path` for a symbolic link that leads out of the root, into the store's own folder, or
 * nowhere; `path_conflict` below a file; errors of the operating system as {@link diskError} maps them.
 */
export async function resolveInRoot(root: string, path: string): Promise<string> {
  try {
    const real = await realPathOf(entryIn(root, path));
    if (!isOpen(root, real)) throw outside(path);
    return real;
  } catch (error) {
    if (errorCode(error) === "ENOTDIR") throw (await belowFile(root, path)) ?? diskError(error, path);
    if (!isMissing(error)) throw diskError(error, path);
  }
  return walk(root, path);
}

/** The refusal of a path below a file, with the path of the file; undefined if that has just gone. */
async function belowFile(root: string, path: string): Promise<StreamError | undefined> {
  const segments = path.split("/");
  for (const depth of segments.keys()) {
    const above = segments.slice(0, depth).join("/");
    const found = await stat(join(root, above)).catch(() => undefined);
    if (found && !found.isDirectory()) return belowResource(path, above);
  }
  return undefined;
}

/** Resolves segment by segment, for a path that does not exist as a whole. */
async function walk(root: string, path: string): Promise<string> {
  const segments = path.split("/");
  let here = root;
  for (const [depth, segment] of segments.entries()) {
    const next = join(here, segment);
    const found = await statsOf(next).catch(unlessMissing(path));
    if (!found) return join(here, ...segments.slice(depth));
    const real = found.isSymbolicLink() ? await realPathOf(next).catch(unlessMissing(path)) : next;
    // Refuse a dangling link: its target cannot be checked.
    if (real === undefined || !isOpen(root, real)) throw outside(path);
    here = real;
  }
  return here;
}

async function realPathOf(path: string): Promise<string> {
  return await quickly(
    () => realpathSync.native(path),
    () => realpath(path),
  );
}

async function statsOf(path: string): Promise<Stats | undefined> {
  return await quickly<Stats | undefined>(
    () => lstatSync(path, { throwIfNoEntry: false }),
    () => lstat(path),
  );
}

/** For a promise's `catch`: ignores a missing file, and throws any other error as a {@link StreamError}. */
function unlessMissing(path: string): (error: unknown) => undefined {
  return (error) => {
    if (!isMissing(error)) throw diskError(error, path);
    return undefined;
  };
}

/** Whether a real location is within the root and outside the store's own folder. */
export function isOpen(root: string, real: string): boolean {
  return isWithin(root, real) && !isWithin(entryIn(root, RESERVED_SEGMENT), real);
}

function isWithin(root: string, real: string): boolean {
  return real === root || real.startsWith(root.endsWith(sep) ? root : root + sep);
}

function outside(path: string): StreamError {
  const why = "a symbolic link leads out of the root, to what is reserved, or nowhere";
  return new StreamError("bad_path", `"/${path}" is refused: ${why}.`, { path });
}
