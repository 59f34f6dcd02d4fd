/**
 * Opens the file of a claim.
 * @module
 */
import { constants } from "node:fs";
import { basename, dirname } from "node:path";
import { StreamError } from "../../../protocol/errors.ts";
import { errorCode, isMissing } from "../folders/errors.ts";
import { type OpenFolder, openFolder, openIn, openOrMakeFolder } from "../folders/open-folder.ts";
import type { OpenFile } from "../folders/opened-file.ts";
import { removeFolders, removeUnused } from "./remove-unused.ts";

/** Attempts at opening a file that other processes create and remove at the same moment. */
const ATTEMPTS = 4;

/** A file that is open for appending. */
export interface OpenedToAppend {
  readonly opened: OpenFile;
  /** Whether the file was created. A record of its path then describes an earlier file that was removed. */
  readonly isNew: boolean;
  /** Removes what was created, if the file is empty. Call it while the file is claimed. */
  removeUnused(): Promise<void>;
  /** Whether the file can also be read. */
  readonly readable: boolean;
}

type Opened = Omit<OpenedToAppend, "removeUnused">;

/** What to open. */
interface Claimed {
  readonly root: string;
  /** The real location of the file. */
  readonly file: string;
  /** The resource path, for messages. */
  readonly path: string;
  /** Called before the file is created, if it does not exist. */
  readonly onCreate: () => void;
}

/**
 * Opens exactly the file that is claimed.
 *
 * @param create Whether to create the file and its missing folders.
 * @throws {StreamError} `bad_path` if a folder above the file was moved or replaced meanwhile; errors of the operating
 * system.
 */
export async function openToAppend({ root, file, path, onCreate }: Claimed, create: boolean): Promise<OpenedToAppend> {
  const folders: string[] = [];
  try {
    const folder = await (create ? openOrMakeFolder(root, dirname(file), folders) : openFolder(root, dirname(file)));
    return {
      ...(await openInFolder(folder, { file, path, onCreate }, create)),
      removeUnused: () => removeUnused(root, file, folders),
    };
  } catch (error) {
    await removeFolders(root, folders);
    throw error;
  }
}

async function openInFolder(folder: OpenFolder, claimed: Omit<Claimed, "root">, create: boolean): Promise<Opened> {
  const { file, path, onCreate } = claimed;
  try {
    if (folder.real !== dirname(file)) {
      throw new StreamError("bad_path", `"/${path}" is refused: a folder above it was moved meanwhile.`, { path });
    }
    return await openFile(folder, basename(file), create ? onCreate : undefined);
  } finally {
    folder.release();
  }
}

async function openFile(folder: OpenFolder, name: string, onCreate: (() => void) | undefined): Promise<Opened> {
  const { O_RDWR, O_WRONLY, O_APPEND, O_CREAT, O_EXCL } = constants;
  for (let attempt = 1; ; attempt++) {
    try {
      return { opened: await openIn(folder, name, O_RDWR | O_APPEND), isNew: false, readable: true };
    } catch (error) {
      if (errorCode(error) === "EACCES") {
        return { opened: await openIn(folder, name, O_WRONLY | O_APPEND), isNew: false, readable: false };
      }
      if (!onCreate || !isMissing(error)) throw error;
    }
    onCreate();
    try {
      const opened = await openIn(folder, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL, 0o666);
      return { opened, isNew: true, readable: true };
    } catch (error) {
      // Another process has just created it, or it is a dangling link.
      if (errorCode(error) !== "EEXIST" || attempt === ATTEMPTS) throw error;
    }
  }
}
