/**
 * Making folders, with the right error where that is not possible.
 * @module
 */
import { mkdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { isMissing } from "./errors.ts";

/** Makes a folder and those above it, as far as they do not exist. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
    // Node says so whatever kept it from making a folder on the way. Asked like this, it tells the reason.
    mkdirSync(folder, { recursive: true });
  }
}
