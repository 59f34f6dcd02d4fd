/**
 * Making folders, and looking into them. Node can make those above one, too, but it does not come back from a file system that denies it as
 * `/proc` does, and does not always say why it could not.
 * @module
 */
import { mkdirSync, statSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode, isMissing } from "./errors.ts";

/** How often a folder is made that somebody else removes at the same moment. */
const ATTEMPTS = 8;

/** Makes a folder and those above it, as far as they do not exist. */
export async function makeFolder(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await makeWithParents(folder);
    } catch (error) {
      if (attempt === ATTEMPTS || !isFleeting(error, folder)) throw error;
    }
  }
}

/** As {@link makeFolder}, at once. */
export function makeFolderSync(folder: string): void {
  for (let attempt = 1; !isFolder(folder); attempt++) {
    try {
      mkdirSync(folder);
    } catch (error) {
      if (lacksParent(error, folder)) makeFolderSync(dirname(folder));
      else if (attempt === ATTEMPTS || !isFleeting(error, folder)) throw error;
    }
  }
}

async function makeWithParents(folder: string): Promise<void> {
  if (isFolder(folder)) return;
  try {
    await mkdir(folder);
  } catch (error) {
    if (!lacksParent(error, folder)) throw error;
    await makeWithParents(dirname(folder));
    await mkdir(folder);
  }
}

function lacksParent(error: unknown, folder: string): boolean {
  return isMissing(error) && !isFolder(dirname(folder));
}

/** Whether an error comes of a folder that was there at one look, and not at the next. */
function isFleeting(error: unknown, folder: string): boolean {
  return isMissing(error) || (errorCode(error) === "EEXIST" && isFolder(folder) !== false);
}

/** Nothing when nothing is there. */
function isFolder(path: string): boolean | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory();
}

/** The names in a folder; none when there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
