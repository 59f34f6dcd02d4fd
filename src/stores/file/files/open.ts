/**
 * Opening the file of a claim.
 * @module
 */
import { constants } from "node:fs";
import type { FileHandle as OpenFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { StreamError } from "../../../protocol/errors.ts";
import { errorCode, isMissing } from "../folders/errors.ts";
import { type HeldFolder, holdFolder, holdOrMakeFolder, openIn } from "../folders/held-folder.ts";
import { removeFolders, removeUnused } from "./unmake.ts";

/** How often a file is opened that others make and remove at the same moment. */
const ATTEMPTS = 4;

/** A file that is open for appending. */
export interface OpenedToAppend {
  readonly opened: OpenFile;
  /** Whether it was made: whatever is on record of its path is about one that was removed. */
  readonly isNew: boolean;
  /** Removes what was made, if there is nothing in it. To be called while the file is claimed. */
  unmake(): Promise<void>;
  /** Whether its end can be read, too. */
  readonly readable: boolean;
}

type Opened = Omit<OpenedToAppend, "unmake">;

/** What to open. */
interface Claimed {
  readonly root: string;
  /** The real file. */
  readonly file: string;
  /** The resource path, for messages. */
  readonly path: string;
  /** Called before the file is made, where there is none. */
  readonly onCreate: () => void;
}

/** Opens the very file that is claimed, wherever the folders above it have gone meanwhile. */
export async function openToAppend({ root, file, path, onCreate }: Claimed, create: boolean): Promise<OpenedToAppend> {
  const folders: string[] = [];
  try {
    const held = await (create ? holdOrMakeFolder(root, dirname(file), folders) : holdFolder(root, dirname(file)));
    return {
      ...(await openHeld(held, { file, path, onCreate }, create)),
      unmake: () => removeUnused(root, file, folders),
    };
  } catch (error) {
    await removeFolders(root, folders);
    throw error;
  }
}

async function openHeld(folder: HeldFolder, claimed: Omit<Claimed, "root">, create: boolean): Promise<Opened> {
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

async function openFile(folder: HeldFolder, name: string, onCreate: (() => void) | undefined): Promise<Opened> {
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
      // Made by somebody else at this moment, or a link that leads nowhere.
      if (errorCode(error) !== "EEXIST" || attempt === ATTEMPTS) throw error;
    }
  }
}
