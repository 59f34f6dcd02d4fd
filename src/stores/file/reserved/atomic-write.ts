/**
 * Writing the store's small files so that a crash never leaves half of one.
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
import { readOwn, TORN } from "./own-file.ts";

/** How often something is written into a folder that others remove when it is empty: they may be many, and quicker. */
const ATTEMPTS = 50;

const self = ownIdentity();

/** A new name in a folder, which tells who made it. */
export function nameIn(folder: string): string {
  const { pid, started, scope } = self;
  return join(folder, [pid, started, keyOf(scope), randomUUID()].join("_"));
}

/**
 * Writes a file whole or not at all. If it is to be durable, it is on the disk when this resolves.
 *
 * @param mayWrite Asked in the turn in which the file gets its name; it gets none if this says no. Default: it may.
 */
export async function writeWhole(
  reserved: Reserved,
  file: string,
  value: unknown,
  durable: boolean,
  mayWrite?: () => boolean,
): Promise<void> {
  await writeTextWhole(reserved, file, { text: `${JSON.stringify(value)}\n`, durable, mayWrite });
}

/** What {@link writeTextWhole} writes, and how. */
export interface WholeText {
  readonly text: string;
  readonly durable: boolean;
  readonly mayWrite?: (() => boolean) | undefined;
}

/** As {@link writeWhole}, of a text. */
export async function writeTextWhole(reserved: Reserved, file: string, whole: WholeText): Promise<void> {
  const { text, durable, mayWrite } = whole;
  for (let attempt = 1; ; attempt++) {
    await makeFolder(reserved.temporary);
    const temporary = nameIn(reserved.temporary);
    try {
      await writeNew(temporary, text, durable);
      // As late as can be: the less time is there for others to remove it.
      await makeFolder(dirname(file));
      if (mayWrite?.() === false) return await removeFile(temporary);
      // In this turn: in the thread pool it could stand still behind the question.
      if (mayWrite) renameSync(temporary, file);
      else await rename(temporary, file);
      break;
    } catch (error) {
      await removeFile(temporary);
      // Whoever was last in a folder may have removed it just now.
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

/** The JSON of a small file, {@link TORN}, or nothing when there is none. */
export async function readWhole(file: string): Promise<unknown> {
  const text = await readOwn(file);
  if (typeof text !== "string") return text;
  try {
    return JSON.parse(text);
  } catch {
    return TORN;
  }
}

/** Removes a file, if it is there. */
export async function removeFile(file: string): Promise<void> {
  await unlink(file).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

/** As {@link removeFile}, at once. */
export function removeFileNow(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
