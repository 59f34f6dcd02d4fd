/**
 * Writes the store's small files so that a crash never leaves a partial one.
 * @module
 */
import { randomUUID } from "node:crypto";
import { renameSync, unlinkSync } from "node:fs";
import { open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMissing } from "../folders/errors.ts";
import { makeFolder } from "../folders/folder.ts";
import { ownIdentity } from "../processes/process-identity.ts";
import { flush } from "./fsync.ts";
import { keyOf, type Reserved } from "./layout.ts";
import { readSmallFile, UNUSABLE } from "./small-file.ts";

/** Attempts at writing into a folder that other processes remove when it is empty. They may be many, and faster. */
const ATTEMPTS = 50;

const self = ownIdentity();

/** A new path in a folder. Its name identifies the process that made it. */
export function nameIn(folder: string): string {
  const { pid, started, scope } = self;
  return join(folder, [pid, started, keyOf(scope), randomUUID()].join("_"));
}

/**
 * Writes a value as JSON, whole or not at all.
 *
 * @param durable Whether the file must be on the disk when this resolves.
 * @param mayWrite Called in the same turn in which the file gets its name. If it returns false, nothing is written.
 * Default: the file is written.
 * @throws Errors of the operating system.
 */
export async function writeJsonAtomic(
  reserved: Reserved,
  file: string,
  value: unknown,
  durable: boolean,
  mayWrite?: () => boolean,
): Promise<void> {
  await writeTextAtomic(reserved, file, { text: `${JSON.stringify(value)}\n`, durable, mayWrite });
}

/** The options of {@link writeTextAtomic}. */
export interface AtomicText {
  readonly text: string;
  /** Whether the text must be on the disk when the write resolves. */
  readonly durable: boolean;
  /** As in {@link writeJsonAtomic}. */
  readonly mayWrite?: (() => boolean) | undefined;
  /** The end of the temporary name of the file. Default: none. */
  readonly suffix?: string;
}

/**
 * Writes a text, whole or not at all.
 *
 * @throws Errors of the operating system.
 */
export async function writeTextAtomic(reserved: Reserved, file: string, content: AtomicText): Promise<void> {
  const { text, durable, mayWrite, suffix = "" } = content;
  for (let attempt = 1; ; attempt++) {
    await makeFolder(reserved.temporary);
    const temporary = `${nameIn(reserved.temporary)}${suffix}`;
    try {
      await writeNew(temporary, text, durable);
      // As late as possible: other processes then have less time to remove the folder.
      await makeFolder(dirname(file));
      if (mayWrite?.() === false) return await removeFile(temporary);
      // Synchronously: in the thread pool, the rename could happen long after the question.
      if (mayWrite) renameSync(temporary, file);
      else await rename(temporary, file);
      break;
    } catch (error) {
      await removeFile(temporary);
      // The last process to use a folder may have just removed it.
      if (!isMissing(error) || attempt === ATTEMPTS) throw error;
    }
  }
  if (durable) await flush(dirname(file));
}

async function writeNew(file: string, text: string, durable: boolean): Promise<void> {
  const opened = await open(file, "wx", 0o600);
  try {
    await opened.writeFile(text);
    if (durable) await opened.sync();
  } finally {
    await opened.close();
  }
}

/**
 * Reads the JSON of a small file.
 *
 * @returns {@link UNUSABLE} if the file is incomplete or not a small regular file; undefined if it does not exist.
 * @throws Errors of the operating system.
 */
export async function readJsonFile(file: string): Promise<unknown> {
  const text = await readSmallFile(file);
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return UNUSABLE;
  }
}

/**
 * Removes a file, if it exists.
 *
 * @throws Errors of the operating system.
 */
export async function removeFile(file: string): Promise<void> {
  await unlink(file).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

/**
 * As {@link removeFile}, synchronously.
 *
 * @throws Errors of the operating system.
 */
export function removeFileNow(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
