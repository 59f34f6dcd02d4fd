/**
 * The layout of the store's own folder under the root.
 * @module
 */
import { lstatSync } from "node:fs";
import { join, relative } from "node:path";
import { StreamError } from "../../../protocol/errors.ts";
import { RESERVED_SEGMENT } from "../../../protocol/path.ts";
import { entryIn, nameBelow } from "../folders/names.ts";
import { sha256 } from "./sha256.ts";

/** Maximum number of keys in memory. */
const MAX_KEYS = 4_096;

/** The keys that were asked for last: an append asks for the same one many times. */
const keys = new Map<string, string>();

/** The folders inside the reserved folder of a root. */
export interface Reserved {
  /** The root itself. */
  readonly root: string;
  /** One file per server process, touched while the process has claims. */
  readonly servers: string;
  /** One folder per path that is claimed by path. Earlier versions had another one: see `format.ts`. */
  readonly claims: string;
  /** The lease of the root, and broken ones. */
  readonly leases: string;
  /** One folder per lease that the processes of a group share, with a file per path that one of them has. */
  readonly groups: string;
  /** The sockets of the processes that append. */
  readonly sockets: string;
  /** One file per open session. */
  readonly sessions: string;
  /** One file per path, with what is remembered besides its bytes. */
  readonly streams: string;
  /** One log per stream, with its state and with a note of each write. */
  readonly durable: string;
  /** One folder per stream with forks, with a file per fork. */
  readonly forks: string;
  /** One file per subscription, and one with their keys. */
  readonly subscriptions: string;
  /** One file per path whose handover a process requests. */
  readonly handovers: string;
  /** Journal segments, which keep bytes until the files that they belong to are on the disk. */
  readonly journal: string;
  /** Files that are about to be renamed. */
  readonly temporary: string;
}

/** The layout of the reserved folder under a root. */
export function reservedIn(root: string): Reserved {
  const folder = join(root, RESERVED_SEGMENT);
  return {
    root,
    servers: join(folder, "servers"),
    claims: join(folder, "entries"),
    leases: join(folder, "leases"),
    groups: join(folder, "groups"),
    sockets: join(folder, "sockets"),
    sessions: join(folder, "sessions"),
    streams: join(folder, "streams"),
    durable: join(folder, "durable"),
    forks: join(folder, "forks"),
    subscriptions: join(folder, "subscriptions"),
    handovers: join(folder, "wanted"),
    journal: join(folder, "journal"),
    temporary: join(folder, "temporary"),
  };
}

/**
 * Checks that the store's own folder is not a symbolic link. The folder need not exist yet.
 *
 * @throws {StreamError} `storage` for a symbolic link, which would redirect what the store writes.
 */
export function assertOwn({ root }: Reserved): void {
  if (!lstatSync(entryIn(root, RESERVED_SEGMENT), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const what = `the store's own folder "${RESERVED_SEGMENT}" is a symbolic link`;
  throw new StreamError("storage", `Nothing can be stored or read: ${what}. Remove the link.`);
}

/**
 * As {@link assertOwn}, for all folders inside it, too. Call it before removing files there.
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

/** False for a path that cannot be examined: nothing behind it can be reached either. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/**
 * The key of a file below the root. It does not depend on where the root is: containers may mount one folder at
 * different paths.
 */
export function fileKey({ root }: Reserved, file: string): string {
  return keyOf(nameBelow(root, file));
}

/** A file name of fixed length for a path of any length. */
export function keyOf(path: string): string {
  const known = keys.get(path);
  if (known !== undefined) return known;
  if (keys.size >= MAX_KEYS) keys.clear();
  const key = sha256(path).slice(0, 40);
  keys.set(path, key);
  return key;
}
