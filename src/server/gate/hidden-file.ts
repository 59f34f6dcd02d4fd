/**
 * Keeps the existence of a file from requests that may not read it.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { Permission } from "./gate.ts";

/** What is known about the paths. */
interface Paths {
  /** Returns what is stored at a path; undefined if the path does not exist, or is a folder. Below a file, it fails with `path_conflict`. */
  stat(path: string): Promise<unknown>;
}

/**
 * Whether an error would reveal that one of the folders above the path is a file, to a request that may not read that
 * file. A path below a file does not exist, like any other that was never written.
 *
 * @param access The permission of the request. Default: it may do everything.
 */
export async function tellsOfHiddenFile(
  error: unknown,
  path: string,
  access: Permission | undefined,
  paths: Paths,
): Promise<boolean> {
  const mayRead = access?.mayRead;
  if (!mayRead || !(error instanceof StreamError) || error.code !== "path_conflict" || !path.includes("/"))
    return false;
  try {
    const file = await fileAbove(path, paths);
    return file === undefined || !mayRead(file, false);
  } catch {
    // Which file it is remains unknown.
    return true;
  }
}

/** The parent of a path that is not a folder, found with few checks, however many parents there are. */
async function fileAbove(path: string, paths: Paths): Promise<string | undefined> {
  const ends: number[] = [];
  for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) ends.push(end);
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await isFileOrBelow(path.slice(0, ends[middle]), paths)) high = middle;
    else low = middle + 1;
  }
  return low === ends.length ? undefined : path.slice(0, ends[low]);
}

async function isFileOrBelow(path: string, paths: Paths): Promise<boolean> {
  try {
    return (await paths.stat(path)) !== undefined;
  } catch (error) {
    if (error instanceof StreamError && error.code === "path_conflict") return true;
    throw error;
  }
}
