/**
 * Bringing files, and the names in folders, to the disk.
 * @module
 */
import { open } from "node:fs/promises";
import { dirname } from "node:path";

/** Flushes a folder and those above it, up to a root. */
export async function flushFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    await flush(at);
    if (at === root || at === dirname(at)) return;
  }
}

/** Makes a file, or the names in a folder, survive a power cut. */
export async function flush(path: string): Promise<void> {
  const opened = await open(path, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
