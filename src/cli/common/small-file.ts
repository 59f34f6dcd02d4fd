/**
 * Small files that the commands keep for themselves.
 * @module
 */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";

/** Most bytes that such a file has. */
const MOST_BYTES = 64 * 1024;

/** What a name may be: the link itself, or what it leads to. */
export interface SmallFileOptions {
  /** Whether a symbolic link counts as the file that it leads to. Default false. */
  readonly links?: boolean;
}

/**
 * The text of a small regular file. A pipe, a device or an endless file is refused, and never waited for.
 *
 * @returns nothing where there is no such file.
 * @throws an error with a `code` of the operating system, or with a sentence for a file of the wrong kind or size.
 */
export async function readSmallFile(
  file: string,
  { links = false }: SmallFileOptions = {},
): Promise<string | undefined> {
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  const handle = await open(file, O_RDONLY | O_NONBLOCK | (links ? 0 : O_NOFOLLOW)).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    // A link that is not to be followed, and a socket.
    throw code === "ELOOP" || code === "ENXIO" ? irregular(error) : error;
  });
  if (!handle) return undefined;
  try {
    return await textOf(handle);
  } finally {
    await handle.close();
  }
}

async function textOf(handle: FileHandle): Promise<string> {
  const found = await handle.stat();
  if (found.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
  if (!found.isFile()) throw irregular();
  if (found.size > MOST_BYTES) throw new Error(`it has ${found.size} bytes, which is too many`);
  const bytes = Buffer.alloc(found.size);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
  return bytes.toString("utf8", 0, bytesRead);
}

function irregular(cause?: unknown): Error {
  return new Error("it is not a regular file", { cause });
}

/**
 * Puts a small file in its place, whole or not at all, for its owner alone: mode 0600.
 *
 * @param options `sync`: whether it is on the disk when this resolves.
 */
export async function writeSmallFile(file: string, text: string, { sync }: { sync: boolean }): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(text);
      if (sync) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
