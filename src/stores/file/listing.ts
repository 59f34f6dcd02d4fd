/**
 * The rows of a folder, in order and on demand.
 *
 * A folder may have hundreds of thousands of files. So names are read and sorted in small pieces, each file is read
 * only when its row is due, and nothing is open before the first row is requested or after the last.
 * @module
 */
import { lstatSync, type Stats } from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { checkListOptions } from "../../engine/storage/list-options.ts";
import { compareNames, SortedNames } from "../../engine/storage/name-order.ts";
import type { ListOptions, StoreEntry } from "../../engine/storage/store.ts";
import { isAddressable, RESERVED_SEGMENT } from "../../protocol/path.ts";
import { diskError } from "./folders/errors.ts";
import { type OpenFolder, openFolder } from "./folders/open-folder.ts";

/** Names per read from the system. */
const NAMES_AT_ONCE = 512;

/** Milliseconds after which the listing yields to the event loop. */
const TURN_MS = 4;

/**
 * Milliseconds after which a synchronous `lstat` counts as slow. The next calls then use the thread pool, which
 * is otherwise slower.
 */
const SLOW_MS = 2;

/**
 * Number of calls that use the thread pool after a slow one. A busy machine is slow now and then, a slow file system
 * always.
 */
const LOOKS_ELSEWHERE = 64;

/** What to list. */
export interface FolderListing extends ListOptions {
  readonly root: string;
  /** The resource path of the folder. */
  readonly path: string;
  /** Its real location. */
  readonly real: string;
  /**
   * The stats of a symbolic link's target, by the link's resource path. Undefined or an error if the link leads out of
   * the root.
   */
  readonly follow: (path: string) => Promise<Stats | undefined>;
  /** Finds which files are being appended to, by their resource path and real location. */
  readonly appended: () => Promise<(path: string, file: string) => Promise<boolean> | boolean>;
}

/**
 * Checks that a folder can be listed.
 *
 * @throws {StreamError} As `openFolder`; errors of the operating system if the folder does not exist or cannot be read.
 */
export async function assertListable(root: string, real: string): Promise<void> {
  const folder = await openFolder(root, real);
  try {
    await (await opendir(folder.path)).close();
  } finally {
    folder.release();
  }
}

/**
 * The rows that a URL can name, sorted by name. They fail if the folder cannot be read, which some systems report only then; the
 * reason of an abort is thrown as it is.
 *
 * @throws {StreamError} `bad_request` for an invalid option.
 */
export function listFolder(listing: FolderListing): AsyncGenerator<StoreEntry, void, void> {
  checkListOptions(listing.path, listing);
  return checkedRows(listing);
}

async function* checkedRows(listing: FolderListing): AsyncGenerator<StoreEntry, void, void> {
  try {
    yield* rowsOf(listing);
  } catch (error) {
    listing.signal?.throwIfAborted();
    throw diskError(error, listing.path);
  }
}

async function* rowsOf(listing: FolderListing): AsyncGenerator<StoreEntry, void, void> {
  const { root, path, real, limit = Number.POSITIVE_INFINITY, signal } = listing;
  const folder = await openFolder(root, real);
  try {
    const names = await namesOf(folder, listing);
    await folder.verify();
    const isAppended = await listing.appended();
    const look = new Look(folder);
    let left = limit;
    for (let name = names.take(); name !== undefined && left > 0; name = names.take()) {
      signal?.throwIfAborted();
      const below = path === "" ? name : `${path}/${name}`;
      const found = await look.at(name, () => listing.follow(below));
      if (!found || !(found.isFile() || found.isDirectory())) continue;
      const modified = found.mtime;
      left--;
      if (found.isDirectory()) yield { name, kind: "folder", size: 0, modified, appending: false };
      else {
        const appending = await isAppended(below, join(real, name));
        yield { name, kind: "file", size: found.size, modified, appending };
      }
    }
  } finally {
    folder.release();
  }
}

async function namesOf(folder: OpenFolder, { root, path, real, after, signal }: FolderListing): Promise<SortedNames> {
  const names = new SortedNames();
  for await (const { name } of await opendir(folder.path, { bufferSize: NAMES_AT_ONCE })) {
    signal?.throwIfAborted();
    if ((real === root && name === RESERVED_SEGMENT) || !isAddressable(path, name)) continue;
    if (after === undefined || compareNames(name, after) > 0) names.add(name);
  }
  return names;
}

/** Reads the stats of files one by one: synchronously while the system is fast, and never for long without yielding. */
class Look {
  readonly #folder: OpenFolder;
  #turnMs = performance.now();
  #elsewhere = 0;

  constructor(folder: OpenFolder) {
    this.#folder = folder;
  }

  /** Undefined for a file that has gone since its name was read, and for a link that leads out of the root. */
  async at(name: string, follow: () => Promise<Stats | undefined>): Promise<Stats | undefined> {
    if (performance.now() - this.#turnMs > TURN_MS) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#turnMs = performance.now();
    }
    try {
      const found = this.#elsewhere > 0 ? await this.#later(name) : this.#now(name);
      return found?.isSymbolicLink() ? await follow() : found;
    } catch {
      return undefined;
    }
  }

  #now(name: string): Stats | undefined {
    const beganMs = performance.now();
    const found = lstatSync(this.#folder.at(name), { throwIfNoEntry: false });
    if (performance.now() - beganMs > SLOW_MS) this.#elsewhere = LOOKS_ELSEWHERE;
    return found;
  }

  #later(name: string): Promise<Stats> {
    this.#elsewhere--;
    return lstat(this.#folder.at(name));
  }
}
