/**
 * Replacing a file by a copy of itself, so that whoever has the old one open writes into a file without a name.
 * @module
 */
import { constants, type Stats } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  link,
  lstat,
  type FileHandle as OpenFile,
  rename,
  stat,
  utimes,
} from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../folders/folder.ts";
import { type HeldFolder, inFolderOf, openIn } from "../folders/held-folder.ts";
import { nameIn, removeFile } from "../reserved/atomic-write.ts";
import { flush } from "../reserved/fsync.ts";
import type { Reserved } from "../reserved/layout.ts";

/**
 * Puts a copy with the same bytes, mode, owner and time in a file's place. The copy is on the disk when this resolves.
 *
 * Before it is copied, the file gets a second name. Whoever appends to it notices that after each write, whatever its
 * clock says, and looks for its claim. So every write that it acknowledges was over before the copy began.
 *
 * @param check Called before the copy takes the file's place. What it throws leaves the file as it is.
 * @throws {StreamError} `bad_path` when the file is not below the root any more; errors of the system.
 */
export async function replaceByCopy(reserved: Reserved, file: string, check?: () => void): Promise<void> {
  await makeFolder(reserved.temporary);
  const copy = nameIn(reserved.temporary);
  const mark = nameIn(reserved.temporary);
  try {
    await inFolderOf(reserved.root, file, async (folder, name) => {
      // Whoever opens the path next says what is wrong with it.
      if ((await lstat(folder.at(name))).isDirectory()) return;
      const opened = await openIn(folder, name, constants.O_RDONLY);
      try {
        // Not every file system can do this. There, an owner must notice by itself that it was silent.
        await link(folder.at(name), mark).catch(() => {});
        await copyOf(opened, folder, { name, copy });
      } finally {
        await opened.close();
      }
      await folder.verify();
      check?.();
      await rename(copy, folder.at(name));
      await flush(folder.path);
    });
  } finally {
    await removeFile(copy);
    await removeFile(mark);
  }
}

/** Copies what was opened, which need not be what has its name now. */
async function copyOf(opened: OpenFile, folder: HeldFolder, { name, copy }: Record<"name" | "copy", string>) {
  // A held folder that has a path of its own is one of Linux, where a descriptor has one, too.
  const source = folder.path === folder.real ? join(folder.path, name) : `/proc/self/fd/${opened.fd}`;
  const found = await opened.stat();
  await copyFile(source, copy, constants.COPYFILE_FICLONE);
  await keepAttributes(found, copy);
  // What the sleeper has acknowledged may be on the disk in the old file.
  await flush(copy);
}

/** To readers and to the operator it is the same file. */
async function keepAttributes({ uid, gid, mode, atime, mtime }: Stats, copy: string): Promise<void> {
  const made = await stat(copy);
  // Only a privileged server can give a file away; to others it is refused, and the file is theirs.
  if (made.uid !== uid || made.gid !== gid) await chown(copy, uid, gid).catch(() => {});
  await chmod(copy, mode & 0o7777);
  await utimes(copy, atime, mtime);
}
