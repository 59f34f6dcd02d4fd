/**
 * The store's own folder under the root: which places it has.
 * @module
 */
import { createHash } from "node:crypto";
import { lstatSync } from "node:fs";
import { join, relative } from "node:path";
import { StreamError } from "../../../protocol/errors.ts";
import { RESERVED_SEGMENT } from "../../../protocol/path.ts";

/** The places in the reserved folder of a root. */
export interface Reserved {
  /** The root itself. */
  readonly root: string;
  /** One file a server process, touched while it lives. */
  readonly servers: string;
  /** One folder a path that is being appended to. */
  readonly claims: string;
  /** One file a session. */
  readonly sessions: string;
  /** One file per path: what is remembered of it beside its bytes. */
  readonly streams: string;
  /** One file a path that a process asks another one for. */
  readonly handovers: string;
  /** What keeps bytes until the files that they belong to are on the disk. */
  readonly journal: string;
  /** Files that are about to be renamed. */
  readonly temporary: string;
}

/** The reserved folder's places under a root. */
export function reservedIn(root: string): Reserved {
  const folder = join(root, RESERVED_SEGMENT);
  return {
    root,
    servers: join(folder, "servers"),
    claims: join(folder, "claims"),
    sessions: join(folder, "sessions"),
    streams: join(folder, "streams"),
    handovers: join(folder, "wanted"),
    journal: join(folder, "journal"),
    temporary: join(folder, "temporary"),
  };
}

/**
 * Makes sure that the store's own folder is a folder of this root, or is yet to be made.
 *
 * @throws {StreamError} `storage` for a symbolic link, which would lead what the store writes to somewhere else.
 */
export function assertOwn({ root }: Reserved): void {
  if (!lstatSync(join(root, RESERVED_SEGMENT), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const what = `the store's own folder "${RESERVED_SEGMENT}" is a symbolic link`;
  throw new StreamError("storage", `Nothing can be stored or read: ${what}. Remove the link.`);
}

/**
 * As {@link assertOwn}, of all folders in it: for those who remove files there.
 *
 * @throws {StreamError} `storage` for a symbolic link.
 */
export function assertOwnFolders(reserved: Reserved): void {
  assertOwn(reserved);
  const { root, ...folders } = reserved;
  for (const folder of Object.values(folders)) {
    if (!isLink(folder)) continue;
    const what = `"${relative(root, folder)}", which is the store's own, is a symbolic link`;
    throw new StreamError("storage", `Nothing can be stored or read: ${what}. Remove the link.`);
  }
}

/** What can't be looked at is none: nothing behind it can be reached either. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** A file name of fixed length for a path of any. */
export function keyOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 40);
}
