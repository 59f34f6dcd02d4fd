/**
 * The bytes of all files of a root.
 * @module
 */
import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { RESERVED_SEGMENT } from "../../protocol/path.ts";

/** Files that are checked together. */
const LOOKS = 32;

/**
 * Bytes of all files below a root, without those that the store keeps for itself. Links are not followed: what they
 * lead to is counted where it is, or belongs to no resource of this root. A file that can't be read counts as empty.
 */
export async function usedBytesOf(root: string): Promise<number> {
  const reserved = join(root, RESERVED_SEGMENT);
  let bytes = 0;
  const folders = [root];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await entriesOf(folder);
    const files: string[] = [];
    for (const entry of entries) {
      const place = join(folder, entry.name);
      if (entry.isFile()) files.push(place);
      else if (entry.isDirectory() && place !== reserved) folders.push(place);
    }
    for (let at = 0; at < files.length; at += LOOKS) {
      const sizes = await Promise.all(files.slice(at, at + LOOKS).map(sizeOf));
      bytes += sizes.reduce((sum, size) => sum + size, 0);
    }
  }
  return bytes;
}

function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

async function sizeOf(file: string): Promise<number> {
  return await lstat(file).then(
    ({ size }) => size,
    () => 0,
  );
}
