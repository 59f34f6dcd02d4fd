/**
 * Checks that a root can be written to.
 * @module
 */
import { open } from "node:fs/promises";
import { isMissing } from "../folders/errors.ts";
import { makeFolder } from "../folders/folder.ts";
import { nameIn, removeFile } from "./atomic-write.ts";
import { assertOwn, reservedIn } from "./layout.ts";

/** Attempts at writing into a folder that other processes remove when it is empty. */
const ATTEMPTS = 50;

/**
 * Writes a small file below the reserved folder of a root, and removes it.
 *
 * @throws Errors of the operating system, such as `ENOSPC` or `EROFS`; {@link StreamError} for a reserved folder that is a
 * symbolic link.
 */
export async function checkWrites(root: string): Promise<void> {
  const reserved = reservedIn(root);
  for (let attempt = 1; ; attempt++) {
    assertOwn(reserved);
    await makeFolder(reserved.temporary);
    const file = nameIn(reserved.temporary);
    try {
      const opened = await open(file, "wx", 0o600);
      try {
        await opened.writeFile("ready\n");
      } finally {
        await opened.close();
      }
      return;
    } catch (error) {
      // The last process to use the folder may have just removed it.
      if (!isMissing(error) || attempt === ATTEMPTS) throw error;
    } finally {
      await removeFile(file);
    }
  }
}
