/**
 * Opens the file of a path if it has the expected content.
 * @module
 */
import { checkGeneration } from "../../protocol/generation.ts";
import { openToRead } from "./files/read.ts";
import type { OpenFile } from "./folders/opened-file.ts";
import { resolveInRoot } from "./folders/resolve-in-root.ts";
import type { RecordReader } from "./records/record-reader.ts";

/**
 * Opens a file to read a content from it.
 *
 * @param generation The generation of the content; undefined for any.
 * @throws {StreamError} `replaced` if the file has other content, `bad_path`; errors of the operating system.
 */
export async function openContent(
  root: string,
  path: string,
  contents: RecordReader,
  generation: string | undefined,
): Promise<OpenFile> {
  if (generation === undefined) return openToRead(root, path);
  const { opened, known } = await contents.at(await resolveInRoot(root, path), () => openToRead(root, path));
  try {
    checkGeneration(path, generation, known.generation);
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}
