/**
 * The store's own folder under the root, and how its small files are written so that a crash never leaves half of one.
 * @module
 */
import { createHash, randomUUID } from "node:crypto";
import { lstatSync, renameSync, unlinkSync } from "node:fs";
import { open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { StreamError } from "../../core/errors.ts";
import { RESERVED_SEGMENT } from "../../core/path.ts";
import { isMissing } from "./errors.ts";
import { makeFolder } from "./folder.ts";
import { readOwn, TORN } from "./own-file.ts";
import { isDead, ownIdentity, type ProcessIdentity } from "./process-identity.ts";
import type { Sightings } from "./sightings.ts";

/** How often something is written into a folder that others remove when it is empty: they may be many, and quicker. */
const ATTEMPTS = 50;

/** Milliseconds without a change after which a file is nobody's whose process can't be asked. */
const FORGOTTEN_MS = 60 * 60 * 1000;

/** The places in the reserved folder of a root. */
export interface Reserved {
  /** The root itself. */
  readonly root: string;
  /** One file a server process, touched while it lives. */
  readonly servers: string;
  /** One folder a path that is being appended to. */
  readonly claims: string;
  /** One file a session. */
  readonly sessions: string;
  /** One file per path: what is remembered of it beside its bytes. */
  readonly streams: string;
  /** One file a path that a process asks another one for. */
  readonly wanted: string;
  /** What keeps bytes until the files that they belong to are on the disk. */
  readonly journal: string;
  /** Files that are about to be renamed. */
  readonly temporary: string;
}

/** The reserved folder's places under a root. */
export function reservedIn(root: string): Reserved {
  const folder = join(root, RESERVED_SEGMENT);
  return {
    root,
    servers: join(folder, "servers"),
    claims: join(folder, "claims"),
    sessions: join(folder, "sessions"),
    streams: join(folder, "streams"),
    wanted: join(folder, "wanted"),
    journal: join(folder, "journal"),
    temporary: join(folder, "temporary"),
  };
}

/**
 * Makes sure that the store's own folder is a folder of this root, or is yet to be made.
 *
 * @throws {StreamError} `storage` for a symbolic link, which would lead what the store writes to somewhere else.
 */
export function assertOwn({ root }: Reserved): void {
  if (!lstatSync(join(root, RESERVED_SEGMENT), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  const what = `the store's own folder "${RESERVED_SEGMENT}" is a symbolic link`;
  throw new StreamError("storage", `Nothing can be stored or read: ${what}. Remove the link.`);
}

/**
 * As {@link assertOwn}, of all folders in it: for those who remove files there.
 *
 * @throws {StreamError} `storage` for a symbolic link.
 */
export function assertOwnFolders(reserved: Reserved): void {
  assertOwn(reserved);
  const { root, ...folders } = reserved;
  for (const folder of Object.values(folders)) {
    if (!isLink(folder)) continue;
    const what = `"${relative(root, folder)}", which is the store's own, is a symbolic link`;
    throw new StreamError("storage", `Nothing can be stored or read: ${what}. Remove the link.`);
  }
}

/** What can't be looked at is none: nothing behind it can be reached either. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** A file name of fixed length for a path of any. */
export function keyOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 40);
}

const self = ownIdentity();

/** A new name in a folder, which tells who made it. */
export function nameIn(folder: string): string {
  const { pid, started, scope } = self;
  return join(folder, [pid, started, keyOf(scope), randomUUID()].join("_"));
}

/** Who looks at what others have left. */
export interface Observer {
  readonly record: ProcessIdentity;
  readonly leftovers: Sightings;
}

/** Whether a file that has its name from {@link nameIn}, or from somebody's hand, is of no use to anybody any more. */
export async function isNobodys(file: string, { record, leftovers }: Observer): Promise<boolean> {
  const maker = makerOf(basename(file), record);
  return maker ? isDead(maker, record) : isForgotten(file, leftovers);
}

/** The process that made a file; nothing when its name does not tell, or tells of another machine. */
function makerOf(name: string, { scope }: ProcessIdentity): ProcessIdentity | undefined {
  const [pid, started = "", key] = name.split("_");
  return key === keyOf(scope) ? { pid: Number(pid), started, scope } : undefined;
}

/** Whether this process has seen a file unchanged for so long that its owner, which can't be asked, is taken for gone. */
export async function isForgotten(file: string, leftovers: Sightings): Promise<boolean> {
  const { quietMs, isMissing } = await leftovers.look(file);
  if (isMissing || quietMs >= FORGOTTEN_MS) leftovers.forget(file);
  return !isMissing && quietMs >= FORGOTTEN_MS;
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

/** Flushes a folder and those above it, up to a root. */
export async function flushFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    await flush(at);
    if (at === root || at === dirname(at)) return;
  }
}

/** Makes a file, or the names in a folder, survive a power cut. */
export async function flush(path: string): Promise<void> {
  const opened = await open(path, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
