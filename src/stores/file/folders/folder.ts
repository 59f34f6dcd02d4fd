/**
 * Creates and lists folders. Node's recursive `mkdir` is not used: it never returns on a file system that refuses it,
 * as `/proc` does, and does not always report the cause.
 * @module
 */
import { mkdirSync, statSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode, isMissing } from "./errors.ts";

/** Attempts at creating a folder that another process removes at the same moment. */
const ATTEMPTS = 8;

/**
 * Creates a folder and its missing parents.
 *
 * @throws Errors of the operating system.
 */
export async function makeFolder(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await makeWithParents(folder);
    } catch (error) {
      if (attempt === ATTEMPTS || !isTransient(error, folder)) throw error;
    }
  }
}

/**
 * As {@link makeFolder}, synchronously.
 *
 * @throws Errors of the operating system.
 */
export function makeFolderSync(folder: string): void {
  for (let attempt = 1; !isFolder(folder); attempt++) {
    try {
      mkdirSync(folder);
    } catch (error) {
      if (isMissing(error) && !isFolder(dirname(folder))) makeFolderSync(dirname(folder));
      else if (attempt === ATTEMPTS || !isTransient(error, folder)) throw error;
    }
  }
}

async function makeWithParents(folder: string): Promise<void> {
  if (isFolder(folder)) return;
  try {
    await mkdir(folder);
  } catch {
    // If its parent is there, this only fails again.
    await makeWithParents(dirname(folder));
    await mkdir(folder);
  }
}

/** Whether an error comes from a race: the folder appeared or disappeared between two calls. */
function isTransient(error: unknown, folder: string): boolean {
  return isMissing(error) || (errorCode(error) === "EEXIST" && isFolder(folder) !== false);
}

/** Undefined if nothing exists at the path. */
function isFolder(path: string): boolean | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory();
}

/**
 * The names in a folder; an empty list if the folder does not exist.
 *
 * @throws Errors of the operating system.
 */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
