/**
 * Making folders, with the right error where that is not possible.
 * @module
 */
import { mkdirSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { errorCode, isMissing } from "./errors.ts";

/** How often a folder is made that somebody else removes at the same moment. */
const ATTEMPTS = 8;

/** Makes a folder and those above it, as far as they do not exist. */
export async function makeFolder(folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(folder, { recursive: true }).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
        // Node says so whatever kept it from making a folder on the way. Asked like this, it tells the reason.
        mkdirSync(folder, { recursive: true });
      });
      return;
    } catch (error) {
      if (attempt === ATTEMPTS || !isFleeting(error, folder)) throw error;
    }
  }
}

/** Whether an error comes of a folder that was there at one look, and not at the next. */
function isFleeting(error: unknown, folder: string): boolean {
  if (isMissing(error)) return true;
  return errorCode(error) === "EEXIST" && statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== false;
}
