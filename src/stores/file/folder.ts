/**
 * Making folders, with the right error where that is not possible.
 * @module
 */
import { mkdirSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { errorCode, isMissing } from "./errors.ts";

/** How often a folder is made that somebody else removes at the same moment. */
const ATTEMPTS = 8;

/** Makes a folder and those above it, as far as they do not exist. */
export async function makeFolder(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(folder, { recursive: true });
      return;
    } catch (error) {
      // Deno and Bun say so when it was there at first, and then was not.
      const fleeting = errorCode(error) === "EEXIST" && !(await stands(folder));
      if (fleeting && attempt < ATTEMPTS) continue;
      if (!isMissing(error)) throw error;
      // Node says so whatever kept it from making a folder on the way. Asked like this, it tells the reason.
      mkdirSync(folder, { recursive: true });
      return;
    }
  }
}

/** Whether something that is no folder stands there. */
async function stands(file: string): Promise<boolean> {
  try {
    return !(await stat(file)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
