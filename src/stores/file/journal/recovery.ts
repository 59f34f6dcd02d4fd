/**
 * What a process has left in its journal: the files get back what they lost when the power went.
 *
 * Nothing is ever taken away from a file, nor put over a byte that somebody has written: bytes come only where the file
 * has ended too early, or has zeros, and only if what it has before them is what the journal says.
 * @module
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle as OpenFile, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { judgeOwner } from "../entries.ts";
import { diskError } from "../errors.ts";
import { namesIn } from "../folder.ts";
import type { Owner } from "../owner.ts";
import { place } from "../place.ts";
import { isSameBoot } from "../process-identity.ts";
import { isNobodys, type Reserved, removeFile } from "../reserved.ts";
import { identityOf } from "./disk-file.ts";
import { decodeSegment, type FileIdentity, type JournalRecord, type SegmentContent } from "./record.ts";
import { readAt, writeAll } from "./transfer.ts";

/** Milliseconds by which runtimes differ on when a file was made. */
const BORN_MS = 2;

/** A segment of another process. */
interface LeftSegment extends SegmentContent {
  readonly path: string;
}

/**
 * Gives the files under a root what they lack, and removes the segments whose owners have gone. What can't be done, for
 * want of room or permission, is left to the next time.
 */
export async function recover(root: string, reserved: Reserved, owner: Owner): Promise<void> {
  const segments = await leftSegments(reserved, owner);
  const failed = new Set<string>();
  for (const [name, records] of byFile(segments)) {
    // As long as the system runs, it has every byte.
    const lost = records.filter(({ owner: kept }) => !isSameBoot(kept, owner.record));
    await restoreFile(root, name, lost).catch(() => failed.add(name));
  }
  for (const segment of segments) {
    if (segment.records.some(({ file }) => failed.has(file.name))) continue;
    const verdict = await judgeOwner(reserved, segment.owner, owner).catch(() => undefined);
    if (verdict === "dead" || verdict === "silent") await removeFile(segment.path).catch(() => {});
  }
}

async function leftSegments(reserved: Reserved, owner: Owner): Promise<LeftSegment[]> {
  const segments: LeftSegment[] = [];
  for (const name of await namesIn(reserved.journal).catch(() => [])) {
    const path = join(reserved.journal, name);
    const content = await readFile(path).then(decodeSegment, () => undefined);
    if (content && content.owner.id !== owner.record.id) segments.push({ path, ...content });
    // Torn before anything was kept in it, or no segment at all.
    else if (!content && (await isNobodys(path, owner.record).catch(() => false))) {
      await rm(path, { recursive: true, force: true }).catch(() => {});
    }
  }
  return segments;
}

type OwnedRecord = JournalRecord & Pick<SegmentContent, "owner">;

/** The records of each file, whichever process has kept them, by their offsets. */
function byFile(segments: readonly LeftSegment[]): Map<string, OwnedRecord[]> {
  const files = new Map<string, OwnedRecord[]>();
  for (const { records, owner } of segments) {
    for (const record of records) {
      const known = files.get(record.file.name) ?? [];
      known.push({ ...record, owner });
      files.set(record.file.name, known);
    }
  }
  for (const records of files.values()) records.sort((one, other) => one.offset - other.offset);
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
  const { O_RDWR, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  try {
    return await open(await place(root, name), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (["denied", "overloaded", "storage"].includes(diskError(error, name).code)) throw error;
    return undefined;
  }
}

function isSameFile({ name, inode, bornMs }: FileIdentity, found: Stats): boolean {
  const now = identityOf(name, found);
  return now.inode === inode && Math.abs(now.bornMs - bornMs) < BORN_MS;
}

async function restore(opened: OpenFile, size: number, records: readonly JournalRecord[]): Promise<void> {
  let end = size;
  for (const { offset, bytes } of records) {
    if (offset > end) return;
    const there = await readAt(opened, offset, Math.min(end - offset, bytes.length));
    if (!there.every((byte, at) => byte === bytes[at] || byte === 0)) return;
    if (there.length < bytes.length || !there.every((byte, at) => byte === bytes[at])) {
      await writeAll(opened, bytes, offset);
    }
    end = Math.max(end, offset + bytes.length);
  }
}
