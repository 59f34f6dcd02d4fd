/**
 * A folder below the root that is held open, so that operations on its files cannot be redirected elsewhere.
 *
 * Between a check of a path and its use, a local user may replace a folder by a symbolic link. So the store opens the
 * folder, asks the system for its real location, and reaches its files through the descriptor. Where the system cannot
 * be asked (outside Linux, or without access to `/proc`), the store checks the path before and after. That leaves a gap
 * in which an empty file may be created elsewhere, but no byte is read or written there.
 * @module
 */
import { closeSync, constants, readlinkSync, type Stats } from "node:fs";
import { lstat, mkdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import process from "node:process";
import { StreamError } from "../../../protocol/errors.ts";
import { errorCode, isMissing } from "./errors.ts";
import { OpenedFile, type OpenFile, openFd } from "./opened-file.ts";
import { isOpen } from "./resolve-in-root.ts";

/** A folder that is held open, and access to its files. The caller must release it. */
export interface OpenFolder {
  /** The folder's real location when it was opened. */
  readonly real: string;
  /**
   * A path to the folder. Where the folder is reached through a descriptor, the path stays valid if the name changes.
   */
  readonly path: string;
  /** A path to an entry of the folder. The entry may be a symbolic link: do not follow it. */
  at(name: string): string;
  /**
   * Checks the folder again where it is known only by its path. Call it after using the folder and before relying on
   * the outcome.
   *
   * @param opened What was opened at `at(name)`.
   * @throws {StreamError} `bad_path` if the folder or the file was replaced; errors of the operating system.
   */
  verify(name?: string, opened?: OpenFile): Promise<void>;
  /** Closes the descriptor, if there is one. */
  release(): void;
}

/** Attempts at creating a folder that another process removes at the same moment. */
const ATTEMPTS = 8;

/** Linux's `O_PATH`, which Node does not export: opens a folder as a reference only, without read permission. */
const O_PATH = process.platform === "linux" ? 0o10000000 : 0;

/**
 * Holds an existing folder.
 *
 * @throws {StreamError} `bad_path` if it is not below the root, or belongs to the store itself; errors of the operating
 * system.
 */
export async function openFolder(root: string, folder: string): Promise<OpenFolder> {
  return (await canAskWhere()) ? hold(root, folder) : CheckedFolder.look(root, folder);
}

/**
 * As {@link openFolder}, but creates the folder and its missing parents.
 *
 * @param made Receives the created folders, outermost first.
 * @throws {StreamError} As {@link openFolder}.
 */
export async function openOrMakeFolder(root: string, folder: string, made: string[] = []): Promise<OpenFolder> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await holdMade(root, folder, made);
    } catch (error) {
      // Another process removed the folder between two calls.
      if (attempt === ATTEMPTS || !isMissing(error)) throw error;
    }
  }
}

/**
 * Calls `use` with the folder that contains `file`, and releases the folder afterwards.
 *
 * @throws {StreamError} As {@link openFolder}; errors of `use`.
 */
export async function inFolderOf<T>(
  root: string,
  file: string,
  use: (folder: OpenFolder, name: string) => Promise<T>,
): Promise<T> {
  const folder = await openFolder(root, dirname(file));
  try {
    return await use(folder, basename(file));
  } finally {
    folder.release();
  }
}

/**
 * Opens a file in a held folder without following a symbolic link or waiting for the other end of a named pipe.
 *
 * @throws {StreamError} `bad_path` if the file or the folder was replaced meanwhile; errors of the operating system.
 */
export async function openIn(folder: OpenFolder, name: string, flags: number, mode?: number): Promise<OpenFile> {
  const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const opened = await OpenedFile.open(folder.at(name), flags | O_NOFOLLOW | O_NONBLOCK, mode);
  try {
    await folder.verify(name, opened);
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function holdMade(root: string, folder: string, made: string[]): Promise<OpenFolder> {
  try {
    return await openFolder(root, folder);
  } catch (error) {
    if (!isMissing(error) || folder === root) throw error;
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
  return await openFolder(root, folder);
}

async function hold(root: string, folder: string): Promise<OpenFolder> {
  const descriptor = await openFd(folder, O_PATH | constants.O_DIRECTORY);
  const path = linkTo(descriptor);
  const release = (): void => closeSync(descriptor);
  try {
    // The name may lead elsewhere by now. This is where the descriptor leads.
    const real = readlinkSync(path);
    if (!isOpen(root, real)) throw swapped(root, folder);
    return { real, path, at: (name) => `${path}/${name}`, verify: async () => {}, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** A folder that is known only by its path. */
export class CheckedFolder implements OpenFolder {
  readonly path: string;
  readonly #root: string;
  readonly #found: Stats;

  private constructor(root: string, path: string, found: Stats) {
    this.#root = root;
    this.path = path;
    this.#found = found;
  }

  /**
   * As {@link openFolder}.
   *
   * @throws {StreamError} Also `path_conflict` if the path is not a folder.
   */
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
    await this.#assertUnmoved();
    if (name === undefined || opened === undefined) return;
    if (!isSame(await lstat(this.at(name)), await opened.stat())) throw swapped(this.#root, this.path);
    await this.#assertUnmoved();
  }

  release(): void {}

  async #assertUnmoved(): Promise<void> {
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
  return new StreamError("path_conflict", `"/${path}" is not a folder.`, { path });
}

function linkTo(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

let asked: Promise<boolean> | undefined;

/** Whether the system reports where a descriptor leads. */
function canAskWhere(): Promise<boolean> {
  asked ??= askWhere().catch(() => false);
  return asked;
}

async function askWhere(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  const descriptor = await openFd("/", O_PATH | constants.O_DIRECTORY);
  try {
    return readlinkSync(linkTo(descriptor)) === "/";
  } finally {
    closeSync(descriptor);
  }
}
