/**
 * What a process has left in its journal: the files get back what they lost when the power went.
 *
 * Nothing is ever taken away from a file, nor put over a byte that somebody has written: bytes come only where the file
 * has ended too early, or has zeros, and only if what it has before them is what the journal says.
 * @module
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle as OpenFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { judgeOwner } from "../claims/entries.ts";
import type { Owner, OwnerRecord } from "../claims/owner.ts";
import { readAt, writeAll } from "../files/transfer.ts";
import { diskError } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { inFolderOf, openIn } from "../folders/held-folder.ts";
import { resolveInRoot } from "../folders/resolve-in-root.ts";
import { isSameBoot } from "../processes/process-identity.ts";
import { removeFile } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import { isOrphaned } from "../reserved/orphans.ts";
import { openOwn, TORN } from "../reserved/own-file.ts";
import { identityOf } from "./disk-file.ts";
import { newestParts } from "./newest-parts.ts";
import { decodeSegment, type FileIdentity, type JournalRecord, type SegmentContent } from "./record.ts";

/** Milliseconds by which runtimes differ on when a file was made. */
const BORN_MS = 2;

/** Milliseconds between two looks at a doubtful sign of life. */
const LOOK_MS = 200;

/**
 * Bytes that no segment has more of: when it is full it takes no more, and what is kept in one go shares a flush up to a
 * few megabytes, or is one batch of one append.
 */
const MOST_SEGMENT_BYTES = 1024 * 1024 * 1024;

/** Recovers a root: when it is opened, and when somebody who had a path has died. */
export class Recovery {
  readonly #recover: () => Promise<void>;
  #first: Promise<void> | undefined;
  #latest: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(root: string, reserved: Reserved, owner: Owner) {
    this.#recover = () => recover(root, reserved, owner);
  }

  /** Resolves when it was done once. */
  once(): Promise<void> {
    this.#first ??= this.again();
    return this.#first;
  }

  /** Resolves when it was done for all who are dead now. Those who ask at the same time share it. */
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
 * Gives the files under a root what they lack, and removes the segments whose owners have gone. What can't be done, for
 * want of room or permission, is left to the next time.
 */
async function recover(root: string, reserved: Reserved, owner: Owner): Promise<void> {
  const segments = await leftSegments(reserved, owner);
  const failed = new Set<string>();
  for (const [name, records] of byFile(segments)) {
    // As long as the system runs, it has every byte.
    const lost = records.filter(({ owner: kept }) => !isSameBoot(kept, owner.record));
    await restoreFile(root, name, lost).catch(() => failed.add(name));
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
    if (content === TORN) await removeTorn(path, owner).catch(() => {});
    else if (content && (await hasGone(content.owner, owner).catch(() => false))) {
      segments.push({ path, ...content });
    }
  }
  return segments;
}

/**
 * {@link TORN} if it is so before anything was kept in it, or is no segment at all. Nothing when it has gone.
 *
 * @throws errors of the operating system: what can't be read may be whole.
 */
async function readSegment(path: string): Promise<SegmentContent | typeof TORN | undefined> {
  const opened = await openOwn(path, MOST_SEGMENT_BYTES);
  if (opened === TORN) return TORN;
  if (!opened) return undefined;
  try {
    return decodeSegment(await opened.readFile()) ?? TORN;
  } finally {
    await opened.close();
  }
}

async function removeTorn(path: string, owner: Owner): Promise<void> {
  if (await isOrphaned(path, owner)) await rm(path, { recursive: true, force: true });
}

/**
 * Whether the owner of a segment has gone. What a living one keeps is about to be written to the file by itself. A sign
 * of life from before the system has started anew is worth nothing, if it is not given again.
 */
async function hasGone(owner: OwnerRecord, self: Owner): Promise<boolean> {
  if (owner.id === self.record.id) return false;
  for (;;) {
    if ((await judgeOwner(owner, self)) !== "alive") return true;
    const seen = self.signs.known(self.signOf(owner));
    // It is removed when its owner has given back all that it had.
    if (seen?.isMissing) return true;
    if (isSameBoot(owner, self.record) || seen?.hasChanged) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

type OwnedRecord = JournalRecord & Pick<SegmentContent, "owner">;

/** The records of each file, whichever process has kept them, in the order in which they were kept. */
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

/** Writes what a file lacks, and flushes it. */
async function restoreFile(root: string, name: string, records: readonly JournalRecord[]): Promise<void> {
  const opened = await openAgain(root, name);
  if (!opened) return;
  try {
    const found = await opened.stat();
    const same = records.filter(({ file }) => isSameFile(file, found));
    if (found.isFile()) await restore(opened, found.size, same);
    await opened.datasync();
  } finally {
    await opened.close();
  }
}

/** Nothing when it is not there any more, or is something else than a file below the root. */
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
  // Where a file system does not know, runtimes say nothing, or when the file was changed last.
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
