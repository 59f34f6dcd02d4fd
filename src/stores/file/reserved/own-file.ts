/**
 * Reading the small files that the store keeps for itself.
 *
 * Local users who may write there may put anything in their place. A named pipe would hold the process until somebody
 * writes into it, a device or a link would lead elsewhere, and a huge file would fill the memory. So only regular files
 * are read, and only as much of them as the store itself would write.
 * @module
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type FileHandle as OpenFile, open } from "node:fs/promises";
import { errorCode, isMissing } from "../folders/errors.ts";

/** What stands in a file that is not whole, or is something else than a file. */
export const TORN: unique symbol = Symbol("torn");

/** Bytes that no small file of the store has more of. */
const SMALL_BYTES = 64 * 1024;

/** Opens no link, waits for the other side of no named pipe, and makes no terminal the process's own. */
const FLAGS =
  constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** What the system says of something that is no file: a folder, a link, a socket, a device without a driver. */
const NO_FILE: ReadonlySet<string> = new Set(["EISDIR", "ENOTDIR", "ELOOP", "ENXIO", "ENODEV", "EMLINK", "EFTYPE"]);

/**
 * Opens a file to read it.
 *
 * @param mostBytes A larger one is not opened.
 * @returns {@link TORN} for something else than a regular file, or a larger one; nothing when nothing is there.
 * @throws errors of the system.
 */
export async function openOwn(file: string, mostBytes: number): Promise<OpenFile | typeof TORN | undefined> {
  try {
    const opened = await open(file, FLAGS);
    // In this turn: the system has it in memory.
    if (ownSize(opened.fd, mostBytes) !== undefined) return opened;
    await opened.close();
    return TORN;
  } catch (error) {
    return missingOrTorn(error);
  }
}

/** The text of a small file, as {@link openOwn} opens it. */
export async function readOwn(file: string): Promise<string | typeof TORN | undefined> {
  const opened = await openOwn(file, SMALL_BYTES);
  if (opened === TORN || opened === undefined) return opened;
  try {
    return await opened.readFile("utf8");
  } finally {
    await opened.close();
  }
}

/** As {@link readOwn}, in this very turn. */
export function readOwnNow(file: string): string | typeof TORN | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(file, FLAGS);
    const size = ownSize(fd, SMALL_BYTES);
    return size === undefined ? TORN : textOf(fd, size);
  } catch (error) {
    return missingOrTorn(error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function textOf(fd: number, size: number): string {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  for (let read = -1; read !== 0 && length < size; length += read) {
    read = readSync(fd, bytes, length, size - length, length);
  }
  return bytes.toString("utf8", 0, length);
}

/** The size of a regular file that is not too large; nothing for all else. */
function ownSize(fd: number, mostBytes: number): number | undefined {
  const found = fstatSync(fd);
  return found.isFile() && found.size <= mostBytes ? found.size : undefined;
}

function missingOrTorn(error: unknown): typeof TORN | undefined {
  if (isMissing(error)) return undefined;
  if (NO_FILE.has(errorCode(error))) return TORN;
  throw error;
}
