/**
 * The store's own folder under the root, and how its small files are written so that a crash never leaves half of one.
 * @module
 */
import { createHash, randomUUID } from "node:crypto";
import { open, readFile, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RESERVED_SEGMENT } from "../../core/path.ts";
import { errorCode, isMissing } from "./errors.ts";
import { makeFolder } from "./folder.ts";
import { ownIdentity, type ProcessIdentity } from "./process-identity.ts";

/** How often something is written into a folder that others remove when it is empty: they may be many, and quicker. */
const ATTEMPTS = 50;

/** The places in the reserved folder of a root. */
export interface Reserved {
  /** One file a server process, touched while it lives. */
  readonly servers: string;
  /** One folder a path that is being appended to. */
  readonly claims: string;
  /** One file a session. */
  readonly sessions: string;
  /** One file a path that a process asks another one for. */
  readonly wanted: string;
  /** Files that are about to be renamed. */
  readonly temporary: string;
}

/** The reserved folder's places under a root. */
export function reservedIn(root: string): Reserved {
  const folder = join(root, RESERVED_SEGMENT);
  return {
    servers: join(folder, "servers"),
    claims: join(folder, "claims"),
    sessions: join(folder, "sessions"),
    wanted: join(folder, "wanted"),
    temporary: join(folder, "temporary"),
  };
}

/** A file name of fixed length for a path of any. */
export function keyOf(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 40);
}

const self = ownIdentity();

/** A new name in the temporary folder, which tells who made it. */
export function temporaryFile(reserved: Reserved): string {
  const { pid, started, scope } = self;
  return join(reserved.temporary, [pid, started, keyOf(scope), randomUUID()].join("_"));
}

/** The process that made a temporary file; nothing when its name does not tell, or tells of another machine. */
export function temporaryOwner(name: string, { scope }: ProcessIdentity): ProcessIdentity | undefined {
  const [pid, started = "", key] = name.split("_");
  return key === keyOf(scope) ? { pid: Number(pid), started, scope } : undefined;
}

/** Writes a file whole or not at all. With `flush` it is on the disk when this resolves. */
export async function writeWhole(reserved: Reserved, file: string, value: unknown, flush: boolean): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await makeFolder(reserved.temporary);
    const temporary = temporaryFile(reserved);
    try {
      await writeNew(temporary, `${JSON.stringify(value)}\n`, flush);
      // As late as can be: the less time is there for others to remove it.
      await makeFolder(dirname(file));
      await rename(temporary, file);
      break;
    } catch (error) {
      await removeFile(temporary);
      // Whoever was last in a folder may have removed it just now.
      if (!isMissing(error) || attempt === ATTEMPTS) throw error;
    }
  }
  if (flush) await flushFolder(dirname(file));
}

async function writeNew(file: string, text: string, flush: boolean): Promise<void> {
  const opened = await open(file, "wx", 0o600);
  try {
    await opened.writeFile(text);
    if (flush) await opened.sync();
  } finally {
    await opened.close();
  }
}

/** What stands in a file that is not whole, or is something else than a file. */
export const TORN: unique symbol = Symbol("torn");

/** The JSON of a file, {@link TORN}, or nothing when there is none. */
export async function readWhole(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof SyntaxError || ["EISDIR", "ENOTDIR"].includes(errorCode(error))) return TORN;
    throw error;
  }
}

/** Removes a file, if it is there. */
export async function removeFile(file: string): Promise<void> {
  await unlink(file).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
}

/** Flushes a folder and those above it, up to a root. */
export async function flushFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    await flushFolder(at);
    if (at === root || at === dirname(at)) return;
  }
}

/** Makes the names in a folder survive a power cut. */
async function flushFolder(folder: string): Promise<void> {
  const opened = await open(folder, "r");
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}
