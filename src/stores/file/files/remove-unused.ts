/**
 * Removes what was created for an append that was then refused.
 * @module
 */
import { lstat, rmdir, unlink } from "node:fs/promises";
import { inFolderOf } from "../folders/open-folder.ts";

/**
 * Removes a file if it is empty, and the folders that were created for it as far as they are empty. Call it while the
 * file is claimed. A file that cannot be removed stays.
 *
 * @param folders Outermost first.
 */
export async function removeUnused(root: string, file: string, folders: readonly string[]): Promise<void> {
  try {
    await inFolderOf(root, file, async (folder, name) => {
      const found = await lstat(folder.at(name));
      await folder.verify();
      if (found.isFile() && found.size === 0) await unlink(folder.at(name));
    });
  } catch {
    // The file is already gone, or its folder was moved: it is not ours any more.
  }
  await removeFolders(root, folders);
}

/**
 * Removes folders as far as they are empty.
 *
 * @param folders Outermost first.
 */
export async function removeFolders(root: string, folders: readonly string[]): Promise<void> {
  try {
    for (const folder of folders.toReversed()) {
      await inFolderOf(root, folder, (above, name) => rmdir(above.at(name)));
    }
  } catch {
    // One of the folders is no longer empty.
  }
}
