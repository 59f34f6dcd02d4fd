/**
 * Replaces a file by a copy of itself, so that a process with the old file open writes into a file without a name.
 * @module
 */
import { constants, type Stats } from "node:fs";
import { chmod, chown, copyFile, link, lstat, rename, utimes } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../folders/folder.ts";
import { inFolderOf, type OpenFolder, openIn } from "../folders/open-folder.ts";
import type { OpenFile } from "../folders/opened-file.ts";
import { nameIn, removeFile } from "../reserved/atomic-write.ts";
import { flush } from "../reserved/fsync.ts";
import type { Reserved } from "../reserved/layout.ts";

/**
 * Replaces a file by a copy with the same bytes, mode, owner and times. The copy is on the disk when this resolves.
 *
 * The file gets a second name before it is copied. A process that appends to it notices that after each write, whatever
 * its clock says, and checks its claim. So every write that it acknowledges had finished before the copy began.
 *
 * @param check Called with the stats of both before the copy replaces the file. If it throws, the file stays as it
 * is.
 * @throws {StreamError} `bad_path` if the file is no longer below the root; errors of the operating system.
 */
export async function replaceByCopy(
  reserved: Reserved,
  file: string,
  check?: (former: Stats, copy: Stats) => void,
): Promise<void> {
  await makeFolder(reserved.temporary);
  const copy = nameIn(reserved.temporary);
  const secondName = nameIn(reserved.temporary);
  try {
    await inFolderOf(reserved.root, file, async (folder, name) => {
      // The next process to open the path reports what is wrong with it.
      if ((await lstat(folder.at(name))).isDirectory()) return;
      const opened = await openIn(folder, name, constants.O_RDONLY);
      let former: Stats;
      try {
        // Not every file system can do this. There, an owner must notice by itself that it was silent.
        await link(folder.at(name), secondName).catch(() => {});
        former = await copyOf(opened, folder, { name, copy });
      } finally {
        await opened.close();
      }
      await folder.verify();
      const made = await lstat(copy);
      check?.(former, made);
      await rename(copy, folder.at(name));
      await flush(folder.path);
    });
  } finally {
    await removeFile(copy);
    await removeFile(secondName);
  }
}

/** Copies the opened file, which need not be the one that has its name now. Returns its stats. */
async function copyOf(
  opened: OpenFile,
  folder: OpenFolder,
  { name, copy }: Record<"name" | "copy", string>,
): Promise<Stats> {
  // If the folder is reached through a descriptor, the system is Linux, and the file can be reached that way, too.
  const source = folder.path === folder.real ? join(folder.path, name) : `/proc/self/fd/${opened.fd}`;
  const found = await opened.stat();
  await copyFile(source, copy, constants.COPYFILE_FICLONE);
  await keepAttributes(found, copy);
  // Bytes that the silent owner has acknowledged may be on the disk in the old file.
  await flush(copy);
  return found;
}

/** Keeps the attributes: to readers and to the operator, the copy is the same file. */
async function keepAttributes({ uid, gid, mode, atime, mtime }: Stats, copy: string): Promise<void> {
  // Only a privileged server can give a file away. Otherwise this fails, and the file belongs to the server's user.
  await chown(copy, uid, gid).catch(() => {});
  await chmod(copy, mode & 0o7777);
  await utimes(copy, atime, mtime);
}
