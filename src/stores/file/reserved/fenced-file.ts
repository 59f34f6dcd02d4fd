/**
 * Changes of a small file by an owner that another process may fence off at any moment.
 *
 * A process may be suspended between the check that it still owns the file and the system call that changes it, and wake
 * up long after another process has taken the file over. So the change is a rename from or to a path that belongs to this one
 * change, and that the other process removes before it relies on the file: the rename then finds nothing, and fails.
 * @module
 */
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isMissing } from "../folders/errors.ts";
import { makeFolderSync } from "../folders/folder.ts";
import { type AtomicText, nameIn, writeTextAtomic } from "./atomic-write.ts";
import { keyOf, type Reserved } from "./layout.ts";

/** A file whose changes can be fenced off. */
export interface FencedFile {
  readonly reserved: Reserved;
  readonly file: string;
  /** The resource path that it belongs to. */
  readonly path: string;
}

/**
 * Writes a text, whole or not at all.
 *
 * @param content As for {@link writeTextAtomic}. `mayWrite` is called again if another process has fenced this one off.
 * @throws Errors of the operating system.
 */
export async function writeFenced({ reserved, file, path }: FencedFile, content: AtomicText): Promise<void> {
  await writeTextAtomic(reserved, file, { ...content, suffix: suffixOf(path) });
}

/**
 * Removes a file, if it exists and `mayRemove` returns true in the same turn.
 *
 * @throws Errors of the operating system.
 */
export function removeFenced({ reserved, file, path }: FencedFile, mayRemove: () => boolean): void {
  if (!lstatSync(file, { throwIfNoEntry: false })) return;
  makeFolderSync(reserved.temporary);
  const folder = `${nameIn(reserved.temporary)}${suffixOf(path)}`;
  mkdirSync(folder);
  try {
    if (mayRemove()) renameSync(file, join(folder, "removed"));
  } catch (error) {
    // The file is gone, or another process has removed the folder, and has the file.
    if (!isMissing(error)) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Makes changes of the files of a path fail that other processes have begun. Call it when they can't begin any more.
 *
 * @throws Errors of the operating system.
 */
export function fenceOff(reserved: Reserved, path: string): void {
  const suffix = suffixOf(path);
  for (const name of namesIn(reserved.temporary)) {
    if (name.endsWith(suffix)) rmSync(join(reserved.temporary, name), { recursive: true, force: true });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function suffixOf(path: string): string {
  return `_${keyOf(path)}`;
}
