/**
 * Opening the file of a path for as long as it has the content that is meant.
 * @module
 */
import type { FileHandle } from "node:fs/promises";
import { checkGeneration } from "../../core/generation.ts";
import { place } from "./place.ts";
import { openToRead } from "./read.ts";
import type { Contents } from "./records/known.ts";

/**
 * Opens a file to read a content from it.
 *
 * @param generation The content; nothing for any.
 * @throws {StreamError} `replaced` when the file has other content, `bad_path`; errors of the system.
 */
export async function openContent(
  root: string,
  path: string,
  contents: Contents,
  generation: string | undefined,
): Promise<FileHandle> {
  const opened = await openToRead(root, path);
  if (generation === undefined) return opened;
  try {
    const found = await contents.of({ file: await place(root, path), opened });
    checkGeneration(path, generation, found.generation);
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}
