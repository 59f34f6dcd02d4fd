/**
 * Reads the small files that the store keeps for itself.
 *
 * Local users with write access may put anything in their place. A named pipe would block the process until another one
 * writes to it, a device or a link would lead elsewhere, and a huge file would exhaust the memory. So only regular
 * files are read, and only those no larger than the store itself would write.
 * @module
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type FileHandle as OpenFile, open } from "node:fs/promises";
import { errorCode, isMissing } from "../folders/errors.ts";

/** Stands for a file that is incomplete, too large, or not a regular file. */
export const UNUSABLE: unique symbol = Symbol("unusable");

/** Maximum bytes that a small file of the store may have. */
const SMALL_BYTES = 64 * 1024;

/** Follows no link, does not wait for the other end of a named pipe, and acquires no controlling terminal. */
export const NO_WAIT: number = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

const FLAGS = constants.O_RDONLY | NO_WAIT;

/** Error codes for something other than a file: a folder, a link, a socket, a device without a driver. */
const NO_FILE: ReadonlySet<string> = new Set(["EISDIR", "ENOTDIR", "ELOOP", "ENXIO", "ENODEV", "EMLINK", "EFTYPE"]);

/**
 * Opens a regular file for reading.
 *
 * @param maxBytes Larger files are not opened.
 * @returns {@link UNUSABLE} for a larger file or anything but a regular file; undefined if nothing is there.
 * @throws Errors of the operating system.
 */
export async function openSmallFile(file: string, maxBytes: number): Promise<OpenFile | typeof UNUSABLE | undefined> {
  try {
    const opened = await open(file, FLAGS);
    // Synchronously: the system has this in memory.
    if (ownSize(opened.fd, maxBytes) !== undefined) return opened;
    await opened.close();
    return UNUSABLE;
  } catch (error) {
    return missingOrUnusable(error);
  }
}

/**
 * Reads the text of a small file, opened as by {@link openSmallFile}.
 *
 * @returns {@link UNUSABLE} for a file of more than 64 KiB or anything but a regular file; undefined if nothing is there.
 * @throws Errors of the operating system.
 */
export async function readSmallFile(file: string): Promise<string | typeof UNUSABLE | undefined> {
  const opened = await openSmallFile(file, SMALL_BYTES);
  if (opened === UNUSABLE || opened === undefined) return opened;
  try {
    return await opened.readFile("utf8");
  } finally {
    await opened.close();
  }
}

/**
 * As {@link readSmallFile}, synchronously.
 *
 * @throws Errors of the operating system.
 */
export function readSmallFileSync(file: string): string | typeof UNUSABLE | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(file, FLAGS);
    const size = ownSize(fd, SMALL_BYTES);
    return size === undefined ? UNUSABLE : textOf(fd, size);
  } catch (error) {
    return missingOrUnusable(error);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function textOf(fd: number, size: number): string {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const read = readSync(fd, bytes, length, size - length, length);
    if (read === 0) break;
    length += read;
  }
  return bytes.toString("utf8", 0, length);
}

/** The size of a regular file that is not too large; undefined for anything else. */
function ownSize(fd: number, maxBytes: number): number | undefined {
  const found = fstatSync(fd);
  return found.isFile() && found.size <= maxBytes ? found.size : undefined;
}

function missingOrUnusable(error: unknown): typeof UNUSABLE | undefined {
  if (isMissing(error)) return undefined;
  if (NO_FILE.has(errorCode(error))) return UNUSABLE;
  throw error;
}
