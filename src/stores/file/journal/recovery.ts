/**
 * Restores what files lost in a power cut, from the journals of processes that have ended.
 *
 * Recovery removes no byte from a file and overwrites no byte that was written. It writes only behind the end of a file
 * and over zeros, and only if the file's other bytes in the same range are those of the journal.
 * @module
 */
import { constants, type Stats } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { judgeOwner } from "../claims/entries.ts";
import type { Owner, OwnerRecord } from "../claims/owner.ts";
import { readAt, writeAll } from "../files/transfer.ts";
import { diskError } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { inFolderOf, openIn } from "../folders/open-folder.ts";
import type { OpenFile } from "../folders/opened-file.ts";
import { resolveInRoot } from "../folders/resolve-in-root.ts";
import { isSameBoot } from "../processes/process-identity.ts";
import { removeFile } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import { isOrphaned } from "../reserved/orphans.ts";
import { openSmallFile, UNUSABLE } from "../reserved/small-file.ts";
import { identityOf } from "./disk-file.ts";
import { newestParts } from "./newest-parts.ts";
import { decodeSegment, type FileIdentity, type JournalRecord, type SegmentContent } from "./record.ts";

/** Milliseconds by which runtimes differ on a file's creation time. */
const BORN_MS = 2;

/** Milliseconds between two checks of a doubtful sign of life. */
const LOOK_MS = 200;

/**
 * Maximum bytes of a segment. A full segment accepts no more, and what is stored in one go is a group of a few megabytes or
 * one batch of one append.
 */
const MAX_SEGMENT_BYTES = 1024 * 1024 * 1024;

/** A copy that has replaced a file, and the files that the journals may call the same. */
interface Copy {
  readonly copy: FileIdentity;
  readonly formers: readonly Stats[];
}

/**
 * Adds notes to the log of a file's stream, unless it has them, and flushes the log.
 *
 * @param name The file, relative to the root.
 */
export type RestoreNotes = (name: string, notes: readonly string[]) => Promise<void>;

/** Recovers a root when it is opened, and when a process that had a path has died. */
export class Recovery {
  readonly #recover: () => Promise<void>;
  /** By the real location relative to the root. Takeovers from silent processes are rare, so these are few. */
  readonly #copies = new Map<string, Copy>();
  #first: Promise<void> | undefined;
  #latest: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** @param restoreNotes Restores the logs of streams. Default: none. */
  constructor(root: string, reserved: Reserved, owner: Owner, restoreNotes: RestoreNotes = async () => {}) {
    this.#recover = () => recover(root, reserved, owner, { copies: this.#copies, restoreNotes });
  }

  /** A takeover replaces a file by a copy: what the journals have for the file now belongs to the copy. */
  copied(name: string, former: Stats, copy: Stats): void {
    const known = this.#copies.get(name);
    const before = known && isSameFile(known.copy, former) ? known.formers : [];
    this.#copies.set(name, { copy: identityOf(name, copy), formers: [...before, former] });
  }

  /** Resolves when recovery has run once. */
  once(): Promise<void> {
    this.#first ??= this.again();
    return this.#first;
  }

  /** Recovers the journals of all processes that are gone by now. Concurrent callers share one run. */
  again(): Promise<void> {
    this.#next ??= this.#latest.then(() => {
      this.#next = undefined;
      this.#latest = this.#recover();
      return this.#latest;
    });
    return this.#next;
  }
}

/** A segment whose owner has gone. */
interface LeftSegment extends SegmentContent {
  readonly path: string;
}

/**
 * Restores the files under a root, and removes the segments whose owners have ended. What fails, for lack of space or
 * permission, is left to the next recovery.
 */
async function recover(
  root: string,
  reserved: Reserved,
  owner: Owner,
  { copies, restoreNotes }: { copies: ReadonlyMap<string, Copy>; restoreNotes: RestoreNotes },
): Promise<void> {
  const segments = await leftSegments(reserved, owner);
  const failed = new Set<string>();
  for (const [name, records] of byFile(segments)) {
    // Without a reboot, the system still has every byte.
    const lost = records.filter(({ owner: kept }) => !isSameBoot(kept, owner.record));
    const restored = restoreFile(root, name, lost, copies.get(name)).then(async (notes) => {
      if (notes && records.some(({ note }) => note)) await restoreNotes(name, notes);
    });
    await restored.catch(() => failed.add(name));
  }
  for (const { path, records } of segments) {
    if (!records.some(({ file }) => failed.has(file.name))) await removeFile(path).catch(() => {});
  }
}

async function leftSegments(reserved: Reserved, owner: Owner): Promise<LeftSegment[]> {
  const segments: LeftSegment[] = [];
  for (const name of await namesIn(reserved.journal).catch(() => [])) {
    const path = join(reserved.journal, name);
    const content = await readSegment(path).catch(() => undefined);
    if (content === UNUSABLE) await removeTorn(path, owner).catch(() => {});
    else if (content && (await hasGone(content.owner, owner).catch(() => false))) {
      segments.push({ path, ...content });
    }
  }
  return segments;
}

/**
 * Reads a segment.
 *
 * @returns {@link UNUSABLE} if its first line is torn, or if it is not a segment; undefined if it no longer exists.
 * @throws Errors of the operating system. A segment that cannot be read may be intact.
 */
async function readSegment(path: string): Promise<SegmentContent | typeof UNUSABLE | undefined> {
  const opened = await openSmallFile(path, MAX_SEGMENT_BYTES);
  if (opened === UNUSABLE) return UNUSABLE;
  if (!opened) return undefined;
  try {
    return decodeSegment(await opened.readFile()) ?? UNUSABLE;
  } finally {
    await opened.close();
  }
}

async function removeTorn(path: string, owner: Owner): Promise<void> {
  if (await isOrphaned(path, owner)) await rm(path, { recursive: true, force: true });
}

/**
 * Whether the owner of a segment has gone. A living owner writes its journaled bytes to the files itself. A sign of
 * life from before a reboot does not count unless it is renewed.
 */
async function hasGone(owner: OwnerRecord, self: Owner): Promise<boolean> {
  if (owner.id === self.record.id) return false;
  for (;;) {
    if ((await judgeOwner(owner, self)) !== "alive") return true;
    const seen = self.signs.known(self.signOf(owner));
    // An owner removes its sign of life when it has released all its claims.
    if (seen?.isMissing) return true;
    if (isSameBoot(owner, self.record) || seen?.hasChanged) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

type OwnedRecord = JournalRecord & Pick<SegmentContent, "owner">;

/** The records of each file, from all processes, in the order in which they were stored. */
function byFile(segments: readonly LeftSegment[]): Map<string, OwnedRecord[]> {
  const files = new Map<string, OwnedRecord[]>();
  for (const { records, owner } of segments) {
    for (const record of records) {
      const known = files.get(record.file.name) ?? [];
      known.push({ ...record, owner });
      files.set(record.file.name, known);
    }
  }
  for (const records of files.values()) records.sort((one, other) => one.keptMs - other.keptMs);
  return files;
}

/** Writes the bytes that a file lacks, and flushes the file. Returns the notes of all its bytes, if it is there. */
async function restoreFile(
  root: string,
  name: string,
  records: readonly JournalRecord[],
  copied: Copy | undefined,
): Promise<string[] | undefined> {
  const opened = await openAgain(root, name);
  if (!opened) return undefined;
  try {
    const found = await opened.stat();
    // Not even flushed: a named pipe, for one, cannot be, and would keep the segment forever.
    if (!found.isFile()) return undefined;
    const formers = copied && isSameFile(copied.copy, found) ? copied.formers : [];
    const same = records.filter(({ file }) => [found, ...formers].some((each) => isSameFile(file, each)));
    await restore(opened, found.size, same);
    await opened.datasync();
    return same.flatMap(({ note }) => note ?? []);
  } finally {
    await opened.close();
  }
}

/** Undefined if the file does not exist any more, or is not a file below the root. */
async function openAgain(root: string, name: string): Promise<OpenFile | undefined> {
  try {
    const file = await resolveInRoot(root, name);
    return await inFolderOf(root, file, (folder, last) => openIn(folder, last, constants.O_RDWR));
  } catch (error) {
    if (["denied", "overloaded", "storage"].includes(diskError(error, name).code)) throw error;
    return undefined;
  }
}

function isSameFile({ name, inode, bornMs }: FileIdentity, found: Stats): boolean {
  const now = identityOf(name, found);
  // If a file system does not know the creation time, runtimes report no creation time, or the time of the last change.
  const isKnown = bornMs > 0 && now.bornMs > 0 && now.bornMs !== found.ctimeMs;
  return now.inode === inode && (!isKnown || Math.abs(now.bornMs - bornMs) < BORN_MS);
}

async function restore(opened: OpenFile, size: number, records: readonly JournalRecord[]): Promise<void> {
  let end = size;
  for (const { offset, bytes } of newestParts(records)) {
    if (offset > end) return;
    const there = await readAt(opened, offset, Math.min(end - offset, bytes.length));
    if (!there.every((byte, at) => byte === bytes[at] || byte === 0)) continue;
    if (there.length < bytes.length || !there.every((byte, at) => byte === bytes[at])) {
      await writeAll(opened, bytes, offset);
    }
    end = Math.max(end, offset + bytes.length);
  }
}
