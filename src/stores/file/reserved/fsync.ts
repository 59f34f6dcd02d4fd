/**
 * Flushes files, and the names in folders, to the disk.
 * @module
 */
import { open } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Flushes a folder and its parents, up to and including the root.
 *
 * @throws Errors of the operating system.
 */
export async function flushFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    await flush(at);
    if (at === root || at === dirname(at)) return;
  }
}

/**
 * Flushes a file, or the names in a folder, so that they survive a power cut.
 *
 * @throws Errors of the operating system.
 */
export async function flush(path: string): Promise<void> {
  const opened = await open(path, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
