/**
 * Taking back what was made for an append that was then refused.
 * @module
 */
import { lstat, rmdir, unlink } from "node:fs/promises";
import { inFolderOf } from "../folders/held-folder.ts";

/**
 * Removes a file of no bytes, and the folders that were made for it as far as they are empty. To be called while the file
 * is claimed. What can't be removed stays.
 *
 * @param folders The outermost first.
 */
export async function removeUnused(root: string, file: string, folders: readonly string[]): Promise<void> {
  try {
    await inFolderOf(root, file, async (folder, name) => {
      const found = await lstat(folder.at(name));
      await folder.verify();
      if (found.isFile() && found.size === 0) await unlink(folder.at(name));
    });
  } catch {
    // It has gone already, or its folder was moved: it is not ours any more.
  }
  await removeFolders(root, folders);
}

/** Removes folders as far as they are empty. */
export async function removeFolders(root: string, folders: readonly string[]): Promise<void> {
  try {
    for (const folder of folders.toReversed()) {
      await inFolderOf(root, folder, (above, name) => rmdir(above.at(name)));
    }
  } catch {
    // There is something in it by now.
  }
}
