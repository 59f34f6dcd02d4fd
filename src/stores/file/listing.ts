/**
 * The rows of a folder, in order, while they are asked for.
 *
 * A folder may have hundreds of thousands of files. So names are read and sorted in small pieces, each file is looked at
 * only when its row is due, and nothing is open before the first row is asked for or after the last.
 * @module
 */
import { lstatSync, type Stats } from "node:fs";
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { compareNames, SortedNames } from "../../engine/storage/name-order.ts";
import type { ListOptions, StoreEntry } from "../../engine/storage/store.ts";
import { isAddressable, RESERVED_SEGMENT } from "../../protocol/path.ts";
import { diskError } from "./folders/errors.ts";
import { type HeldFolder, holdFolder } from "./folders/held-folder.ts";

/** Names that are read from the system at a time. */
const NAMES_AT_ONCE = 512;

/** Milliseconds after which others have their turn. */
const TURN_MS = 4;

/** Milliseconds of a look at a file after which the next ones are looked at in the thread pool, which is otherwise slower. */
const SLOW_MS = 2;

/** How many. A busy machine is slow now and then, a slow file system always. */
const LOOKS_ELSEWHERE = 64;

/** What to list. */
export interface FolderListing extends ListOptions {
  readonly root: string;
  /** The resource path of the folder. */
  readonly path: string;
  /** Its real place. */
  readonly real: string;
  /** What a symbolic link leads to, by its resource path; nothing if it leads out. */
  readonly follow: (path: string) => Promise<Stats | undefined>;
  /** Begins to tell which files are being appended to, by their resource path and real place. */
  readonly appended: () => Promise<(path: string, file: string) => Promise<boolean> | boolean>;
}

/** @throws errors of the system when there is no such folder, or it can't be read. */
export async function assertListable(root: string, real: string): Promise<void> {
  const folder = await holdFolder(root, real);
  try {
    await (await opendir(folder.path)).close();
  } finally {
    folder.release();
  }
}

/**
 * The rows, sorted by name: of what a URL can name.
 *
 * @throws {StreamError} when the folder can't be read: some systems say so only now. What aborts a listing comes as it is.
 */
export async function* listFolder(listing: FolderListing): AsyncGenerator<StoreEntry, void, void> {
  try {
    yield* rowsOf(listing);
  } catch (error) {
    listing.signal?.throwIfAborted();
    throw diskError(error, listing.path);
  }
}

async function* rowsOf(listing: FolderListing): AsyncGenerator<StoreEntry, void, void> {
  const { root, path, real, limit = Number.POSITIVE_INFINITY, signal } = listing;
  const folder = await holdFolder(root, real);
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

async function namesOf(folder: HeldFolder, { root, path, real, after, signal }: FolderListing): Promise<SortedNames> {
  const names = new SortedNames();
  for await (const { name } of await opendir(folder.path, { bufferSize: NAMES_AT_ONCE })) {
    signal?.throwIfAborted();
    if ((real === root && name === RESERVED_SEGMENT) || !isAddressable(path, name)) continue;
    if (after === undefined || compareNames(name, after) > 0) names.add(name);
  }
  return names;
}

/** Looks at files one by one: at once as long as the system is quick, and never for long. */
class Look {
  readonly #folder: HeldFolder;
  #turnMs = performance.now();
  #elsewhere = 0;

  constructor(folder: HeldFolder) {
    this.#folder = folder;
  }

  /** Nothing for what has gone since its name was read, and for a link that leads out. */
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
