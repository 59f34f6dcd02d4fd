/**
 * Replacing a file by a copy of itself, so that whoever has the old one open writes into a file without a name.
 * @module
 */
import { constants } from "node:fs";
import { chmod, copyFile, type FileHandle as OpenFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "./folder.ts";
import { type HeldFolder, inFolderOf, openIn } from "./held-folder.ts";
import { flush, nameIn, type Reserved, removeFile } from "./reserved.ts";

/**
 * Puts a copy with the same bytes and mode in a file's place. The copy is on the disk when this resolves.
 *
 * @throws {StreamError} `bad_path` when the file is not below the root any more; errors of the system.
 */
export async function replaceByCopy(reserved: Reserved, file: string): Promise<void> {
  await makeFolder(reserved.temporary);
  const copy = nameIn(reserved.temporary);
  try {
    await inFolderOf(reserved.root, file, async (folder, name) => {
      const opened = await openIn(folder, name, constants.O_RDONLY);
      try {
        await copyOf(opened, folder, { name, copy });
      } finally {
        await opened.close();
      }
      await folder.verify();
      await rename(copy, folder.at(name));
      await flush(folder.path);
    });
  } catch (error) {
    await removeFile(copy);
    throw error;
  }
}

/** Copies what was opened, which need not be what has its name now. */
async function copyOf(opened: OpenFile, folder: HeldFolder, { name, copy }: Record<"name" | "copy", string>) {
  // A held folder that has a path of its own is one of Linux, where a descriptor has one, too.
  const source = folder.path === folder.real ? join(folder.path, name) : `/proc/self/fd/${opened.fd}`;
  const { mode } = await opened.stat();
  await copyFile(source, copy, constants.COPYFILE_FICLONE);
  await chmod(copy, mode);
  // What the sleeper has acknowledged may be on the disk in the old file.
  await flush(copy);
}
