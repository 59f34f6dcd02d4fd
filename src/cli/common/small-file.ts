/**
 * Small files in which the commands keep their state.
 * @module
 */
import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open, realpath, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Largest size of such a file. */
const MAX_BYTES = 64 * 1024;

/** How to treat a small file. */
export interface SmallFileOptions {
  /** Whether to follow a symbolic link. Default false. */
  readonly links?: boolean;
}

/** How to write one. */
export interface WriteOptions extends SmallFileOptions {
  /** Whether to flush the file and its folder to the disk before the write resolves. */
  readonly sync: boolean;
}

/**
 * Reads a small regular file as text. Rejects pipes, devices and files above 64 KiB without blocking on them.
 *
 * @returns The text; undefined if the file does not exist.
 * @throws an operating system error with its `code`, or an error that explains the wrong kind or size.
 */
export async function readSmallFile(
  file: string,
  { links = false }: SmallFileOptions = {},
): Promise<string | undefined> {
  const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants;
  const handle = await open(file, O_RDONLY | O_NONBLOCK | (links ? 0 : O_NOFOLLOW)).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    // A symbolic link that must not be followed, or a socket.
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
  if (found.size > MAX_BYTES) throw new Error(`it is too large, with ${found.size} bytes`);
  const bytes = Buffer.alloc(found.size);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
  return bytes.toString("utf8", 0, bytesRead);
}

function irregular(cause?: unknown): Error {
  return new Error("it is not a regular file", { cause });
}

/**
 * Writes a small file atomically, readable by its owner only: mode 0600.
 *
 * @throws an operating system error with its `code`.
 */
export async function writeSmallFile(file: string, text: string, { sync, links }: WriteOptions): Promise<void> {
  // A rename would replace the link instead of its target.
  const target = links ? await realpath(file).catch(() => file) : file;
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(text);
      if (sync) await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
    if (sync) await flushFolder(dirname(target));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Flushes a folder, so that the new name of a file survives a power cut. Not every system can. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY).catch(() => undefined);
  try {
    await handle?.sync().catch(() => {});
  } finally {
    await handle?.close();
  }
}
