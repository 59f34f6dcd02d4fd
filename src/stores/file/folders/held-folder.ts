/**
 * A folder below the root that is held open, so that what is done in it is done there and nowhere else.
 *
 * A path says where something was. Between a look at it and its use, a local user may put a symbolic link in the place of
 * a folder. So the folder is opened, the system is asked where it really is, and its files are reached through its
 * descriptor. Where the system can't be asked (not on Linux, or no access to `/proc`), the path is looked at before and
 * after: that leaves a gap, in which a file of no bytes may be made, but no byte goes in or out.
 * @module
 */
import { closeSync, constants, open as openCallback, readlinkSync, type Stats } from "node:fs";
import { lstat, mkdir, type FileHandle as OpenFile, open, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { StreamError } from "../../../protocol/errors.ts";
import { errorCode, isMissing } from "./errors.ts";
import { isOpen } from "./resolve-in-root.ts";

/** A folder, and how its files are reached. Release it. */
export interface HeldFolder {
  /** Where it was when it was opened. */
  readonly real: string;
  /** Leads to the folder, whatever has its name now. */
  readonly path: string;
  /** Leads to something in it. The last step may be a symbolic link: don't follow it. */
  at(name: string): string;
  /**
   * Looks again, where holding a folder does not suffice: to be called when its use is over, and before its outcome is.
   *
   * @param opened What was opened at `at(name)`.
   */
  verify(name?: string, opened?: OpenFile): Promise<void>;
  release(): void;
}

/** How often a folder is made that somebody else removes at the same moment. */
const ATTEMPTS = 8;

/** Opens a folder only to name it: no permission to read it is needed. Node does not know the name. */
const O_PATH = process.platform === "linux" ? 0o10000000 : 0;

const openDescriptor = promisify(openCallback);

/**
 * Holds a folder that exists.
 *
 * @throws {StreamError} `bad_path` when it is not below the root, or belongs to the store itself; errors of the system.
 */
export async function holdFolder(root: string, folder: string): Promise<HeldFolder> {
  return (await canAskWhere()) ? hold(root, folder) : CheckedFolder.look(root, folder);
}

/**
 * As {@link holdFolder}, but makes the folder and those above it, as far as they do not exist.
 *
 * @param made Gets the folders that were made, the outermost first.
 */
export async function holdOrMakeFolder(root: string, folder: string, made: string[] = []): Promise<HeldFolder> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await holdMade(root, folder, made);
    } catch (error) {
      // It was there at one look, and not at the next.
      if (attempt === ATTEMPTS || !(isMissing(error) || errorCode(error) === "EEXIST")) throw error;
    }
  }
}

/** Uses the folder that something lies in. */
export async function inFolderOf<T>(
  root: string,
  file: string,
  use: (folder: HeldFolder, name: string) => Promise<T>,
): Promise<T> {
  const folder = await holdFolder(root, dirname(file));
  try {
    return await use(folder, basename(file));
  } finally {
    folder.release();
  }
}

/**
 * Opens a file in a held folder, and does not wait for the other side of a named pipe.
 *
 * @throws {StreamError} `bad_path` when a symbolic link has taken its place; errors of the system.
 */
export async function openIn(folder: HeldFolder, name: string, flags: number, mode?: number): Promise<OpenFile> {
  const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const opened = await open(folder.at(name), flags | O_NOFOLLOW | O_NONBLOCK, mode);
  try {
    await folder.verify(name, opened);
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function holdMade(root: string, folder: string, made: string[]): Promise<HeldFolder> {
  try {
    return await holdFolder(root, folder);
  } catch (error) {
    if (!isMissing(error) || folder === root || folder === dirname(folder)) throw error;
  }
  const above = await holdMade(root, dirname(folder), made);
  try {
    await mkdir(above.at(basename(folder))).then(
      () => void made.push(folder),
      (error: unknown) => {
        if (errorCode(error) !== "EEXIST") throw error;
      },
    );
    await above.verify();
  } finally {
    above.release();
  }
  return await holdFolder(root, folder);
}

async function hold(root: string, folder: string): Promise<HeldFolder> {
  const descriptor = await openDescriptor(folder, O_PATH | constants.O_DIRECTORY);
  const path = linkTo(descriptor);
  const release = (): void => closeSync(descriptor);
  try {
    // Whatever the name leads to by now, this is where the descriptor is.
    const real = readlinkSync(path);
    if (!isOpen(root, real)) throw swapped(root, folder);
    return { real, path, at: (name) => `${path}/${name}`, verify: async () => {}, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** A folder that is known by its path alone. */
export class CheckedFolder implements HeldFolder {
  readonly path: string;
  readonly #root: string;
  readonly #found: Stats;

  private constructor(root: string, path: string, found: Stats) {
    this.#root = root;
    this.path = path;
    this.#found = found;
  }

  /** As {@link holdFolder}. */
  static async look(root: string, path: string): Promise<CheckedFolder> {
    const folder = new CheckedFolder(root, path, await stat(path));
    if (!folder.#found.isDirectory()) throw notFolder(root, path);
    await folder.verify();
    return folder;
  }

  get real(): string {
    return this.path;
  }

  at(name: string): string {
    return join(this.path, name);
  }

  async verify(name?: string, opened?: OpenFile): Promise<void> {
    await this.#isUnmoved();
    if (name === undefined || opened === undefined) return;
    if (!isSame(await lstat(this.at(name)), await opened.stat())) throw swapped(this.#root, this.path);
    await this.#isUnmoved();
  }

  release(): void {}

  async #isUnmoved(): Promise<void> {
    const real = await realpath(this.path);
    const isThere = real === this.path && isOpen(this.#root, real) && isSame(await lstat(real), this.#found);
    if (!isThere) throw swapped(this.#root, this.path);
  }
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

function swapped(root: string, folder: string): StreamError {
  const path = relative(root, folder);
  return new StreamError("bad_path", `"/${path}" is refused: a symbolic link has just taken its place.`, { path });
}

function notFolder(root: string, folder: string): StreamError {
  const path = relative(root, folder);
  return new StreamError("path_conflict", `"/${path}" is no folder.`, { path });
}

function linkTo(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

let asked: Promise<boolean> | undefined;

/** Whether the system tells where a descriptor leads to. */
function canAskWhere(): Promise<boolean> {
  asked ??= askWhere().catch(() => false);
  return asked;
}

async function askWhere(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const descriptor = await openDescriptor("/", O_PATH | constants.O_DIRECTORY);
  try {
    return readlinkSync(linkTo(descriptor)) === "/";
  } finally {
    closeSync(descriptor);
  }
}
