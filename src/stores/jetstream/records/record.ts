/**
 * The records of a path.
 * @module
 */
import type { EndedReason, EndReason } from "../../../protocol/end-reason.ts";

/**
 * The types of records. `o`: a claim began. `d`: data, or a change of the stream's state, or nothing. `w`: the end
 * marker of an append that is about to end. `c`: the claim was released. `x`: the path was removed. `f`: the path is a
 * folder.
 */
export type RecordType = "o" | "d" | "w" | "c" | "x" | "f";

/** The parts of a payload that is too large for one message. The message of the record has their sequences in its place. */
export interface Parts {
  /** Their batch. */
  readonly id: string;
  /** Bytes of each of them but the last one. */
  readonly partBytes: number;
  /** Bytes of all of them. */
  readonly bytes: number;
}

/** Where the state of a path is on record. */
export interface NotePointers {
  /** The sequence of the record with the last full note; 0 if there is none. */
  readonly full: number;
  /** The sequence of the record with the last note; 0 if there is none. */
  readonly last: number;
  /** How many changes were noted since the full note. */
  readonly changes: number;
}

/** What the headers of a record say. */
export interface RecordFields {
  readonly type: RecordType;
  /** Offset of its first byte. */
  readonly offset: number;
  /** The sequence of the last valid record before it; 0 if there was none. */
  readonly predecessor: number;
  /** The sequence of the claim under which it was written; 0 in the claim's own record and in folders. */
  readonly claim: number;
  /** The node that has written it. */
  readonly node: string;
  /** A unique id, by which a writer recognizes its record. */
  readonly id: string;
  /** The generation of the content; empty in folders. */
  readonly generation: string;
  /** The sequence of the first record of the content; 0 in this record itself. */
  readonly first: number;
  /** When the last byte was written, in milliseconds since 1970. */
  readonly modifiedMs: number;
  /** How the append ended; in `w` and `c`. */
  readonly reason?: EndReason | undefined;
  /** How the append before this claim ended. */
  readonly endedBefore?: EndedReason | undefined;
  /** Whether the claim is cached between many short appends. */
  readonly isKept?: boolean;
  /** Whether the content does not exist yet for readers. */
  readonly isIncomplete?: boolean;
  /** Bytes of the note with which the payload begins. */
  readonly noteBytes?: number;
  /** Whether the note has all of the state. */
  readonly isFullNote?: boolean;
  /** The notes before this one. */
  readonly notes?: NotePointers;
  /** Where the payload is, if it is not in the message itself. */
  readonly parts?: Parts | undefined;
  /** The node for which a released path is reserved. */
  readonly reservedFor?: string | undefined;
  /** Whether a folder may be removed by the claim that has created it. */
  readonly isProvisional?: boolean;
}

/** A record, as it was stored. */
export interface PathRecord extends RecordFields {
  /** Its sequence in the stream. */
  readonly seq: number;
  /** Bytes of the message's payload. */
  readonly payloadBytes: number;
}

/** The offset just past the last byte of a record. */
export function endOf(record: PathRecord): number {
  return record.offset + dataBytesOf(record);
}

/** How many bytes of the path a record has. */
export function dataBytesOf({ parts, payloadBytes, noteBytes = 0 }: PathRecord): number {
  return (parts?.bytes ?? payloadBytes) - noteBytes;
}

/** The sequence of the claim to which a record belongs. */
export function claimOf({ type, claim, seq }: PathRecord): number {
  return type === "o" ? seq : claim;
}

/** The sequence of the first record of the content to which a record belongs. */
export function firstOf({ first, seq }: PathRecord): number {
  return first === 0 ? seq : first;
}

/** Where the state is on record, after a record. */
export function notesOf({ notes, noteBytes = 0, isFullNote = false, seq }: PathRecord): NotePointers {
  const before = notes ?? { full: 0, last: 0, changes: 0 };
  if (noteBytes === 0) return before;
  return isFullNote ? { full: seq, last: seq, changes: 0 } : { ...before, last: seq, changes: before.changes + 1 };
}

/** Whether the path is claimed after a record. */
export function isClaimed({ type }: Pick<PathRecord, "type">): boolean {
  return type === "o" || type === "d" || type === "w";
}

/** Whether a path exists and is not a folder, if this is its last record. */
export function isFile(record: PathRecord | undefined): record is PathRecord {
  return record !== undefined && record.type !== "x" && record.type !== "f";
}

/** How the last append of a path has ended, if the path has no owner any more. */
export function endedOf({ type, reason, endedBefore = "unknown" }: PathRecord): EndedReason {
  if (type === "o") return endedBefore;
  if (type === "d") return "lost";
  if (reason === undefined) return endedBefore;
  // The append should have continued on another server, and did not.
  return reason === "restarting" ? "lost" : reason;
}
