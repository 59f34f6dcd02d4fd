/**
 * The root folder of a file store.
 * @module
 */
import { realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { StreamError } from "../../protocol/errors.ts";
import { diskError, isMissing } from "./folders/errors.ts";
import { makeFolderSync } from "./folders/folder.ts";

/**
 * Opens a root folder. Creates it if it does not exist.
 *
 * @param open Called with the real location of the folder. Its errors contain the folder, too.
 * @throws {StreamError} `denied`, `path_conflict` or `storage` if the folder cannot be created or opened.
 * @throws {TypeError} for an empty name.
 */
export function openRoot<T>(root: string, open: (realRoot: string) => T): T {
  // An empty root would mean the working directory. It usually comes from a variable that is not set.
  if (root === "") throw new TypeError('The root folder has no name. For the working directory, use ".".');
  const folder = resolve(root);
  try {
    makeFolderSync(folder);
    return open(realpathSync(folder));
  } catch (error) {
    const { code, message } = isMissing(error)
      ? new StreamError("storage", `nothing can be created in ${dirname(folder)}.`)
      : diskError(error, "");
    const why = message.replace(/^.*?: /, "");
    throw new StreamError(code, `The root folder ${folder} can't be used: ${why}`, { path: folder, cause: error });
  }
}
