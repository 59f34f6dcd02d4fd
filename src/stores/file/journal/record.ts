/**
 * The format of a journal segment. The first line names the owner; records follow. Each record is a line that says
 * where its bytes belong, and then the bytes.
 * @module
 */
import { createHash } from "node:crypto";
import { isOwnerRecord, type OwnerRecord } from "../claims/owner.ts";

/** The file that bytes belong to. Another file may have its name later. */
export interface FileIdentity {
  /** Its real location, relative to the root. */
  readonly name: string;
  readonly inode: number;
  /** Creation time in milliseconds since 1970; 0 where the file system does not know it. */
  readonly bornMs: number;
}

/** Bytes, and where they belong. */
export interface JournalRecord {
  readonly file: FileIdentity;
  /** The offset of the first byte. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** A line for the log of the stream; it must be there if the bytes are in the file. Undefined without a stream. */
  readonly note?: string | undefined;
  /**
   * The order of the record's segment: milliseconds since 1970 when the segment began, or more if an earlier segment
   * has as many. Later segments have a higher value, even if the clock was set back. Within a segment, records are in
   * order.
   */
  readonly keptMs: number;
}

/** The intact part of a segment. */
export interface SegmentContent {
  readonly owner: OwnerRecord;
  readonly records: readonly JournalRecord[];
}

const LINE_END = 10;

/** Hexadecimal digits of a digest. */
const DIGEST_LENGTH = 64;

/** Encodes the first line of a segment. */
export function encodeOwner(owner: OwnerRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(owner)}\n`);
}

/** Encodes a record, in two pieces. */
export function encodeRecord({ file, offset, bytes, note, keptMs }: JournalRecord): Uint8Array[] {
  const place = JSON.stringify({ ...file, offset, length: bytes.length, keptMs, note });
  return [Buffer.from(`${digestOf(place, bytes)} ${place}\n`), bytes];
}

/**
 * Decodes a segment up to the first torn record. No append was acknowledged whose bytes are in that record or behind it.
 *
 * @returns Undefined if the first line is torn.
 */
export function decodeSegment(segment: Uint8Array): SegmentContent | undefined {
  const firstEnd = segment.indexOf(LINE_END);
  const owner = parsed(segment.subarray(0, Math.max(0, firstEnd)));
  if (!isOwnerRecord(owner)) return undefined;
  const records: JournalRecord[] = [];
  for (let at = firstEnd + 1; ; ) {
    const next = decodeRecord(segment, at);
    if (!next) return { owner, records };
    records.push(next.record);
    at = next.end;
  }
}

function decodeRecord(segment: Uint8Array, at: number): { record: JournalRecord; end: number } | undefined {
  const lineEnd = segment.indexOf(LINE_END, at);
  if (lineEnd < 0) return undefined;
  const place = segment.subarray(at + DIGEST_LENGTH + 1, lineEnd);
  const found = parsed(place);
  if (!isPlace(found)) return undefined;
  const { name, inode, bornMs, offset, length, keptMs, note } = found;
  const end = lineEnd + 1 + length;
  const bytes = segment.subarray(lineEnd + 1, end);
  const digest = Buffer.from(segment.subarray(at, at + DIGEST_LENGTH)).toString("latin1");
  // If the segment ends before the record, this digest differs, too.
  if (digest !== digestOf(place, bytes)) return undefined;
  return { record: { file: { name, inode, bornMs }, offset, bytes, keptMs, ...(note && { note }) }, end };
}

function digestOf(place: string | Uint8Array, bytes: Uint8Array): string {
  return createHash("sha256").update(place).update(bytes).digest("hex");
}

function parsed(line: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(line).toString());
  } catch {
    return undefined;
  }
}

interface Place extends FileIdentity, Pick<JournalRecord, "offset" | "keptMs" | "note"> {
  readonly length: number;
}

function isPlace(value: unknown): value is Place {
  const { name, inode, bornMs, offset, length, keptMs, note = "" } = (value ?? {}) as Partial<Place>;
  const isText = typeof name === "string" && typeof note === "string";
  return isText && [inode, bornMs, offset, length, keptMs].every((number) => Number(number) >= 0);
}
