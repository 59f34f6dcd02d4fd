/**
 * The metadata of a path, and the test whether a file still has the content that it describes. A record describes one
 * content, by its size and a digest of its end, and never by an inode. Copies, moves, restores and takeovers keep it;
 * other bytes do not.
 * @module
 */
import { END_REASONS, type EndedReason } from "../../../protocol/end-reason.ts";
import { isMediaType } from "../../../protocol/media-type.ts";
import { newGeneration } from "../../../support/token.ts";
import { sha256 } from "../reserved/sha256.ts";

/** The length of a record is a multiple of this. A disk writes so many bytes whole or not at all. */
const UNIT_BYTES = 512;

/** Hexadecimal digits of the checksum. */
const CHECK_LENGTH = 8;

/** What stands between a record and its checksum. */
const CHECK = ',"check":"';

/** The record of one path. Fields of later versions are preserved. */
export interface StreamRecord {
  /** The file, relative to the root: for people, and to detect a record under a wrong name. */
  readonly file: string;
  /** The generation of the content. */
  readonly generation: string;
  /** Bytes that the content certainly had. It may have more by now. */
  readonly size: number;
  /** The digest of the last bytes before {@link size}; empty if they could not be read. */
  readonly digest: string;
  /** Set while an append has begun and its end is not recorded. If no process has the path, the appender was lost. */
  readonly appending?: true | undefined;
  /** How the last append ended. */
  readonly ended?: EndedReason | undefined;
  /** The media type given by an appender. */
  readonly type?: string | undefined;
}

/** The end of a content, as its file has it now. */
export interface Tail {
  /** Bytes in the file. */
  readonly size: number;
  /** The digest of the last bytes before the recorded size. */
  readonly digest: string;
}

/** A record for a content of which nothing is known, with a new generation. */
export function newRecord(file: string, { size, digest }: Tail): StreamRecord {
  return { file, generation: newGeneration(), size, digest };
}

/** The record of a path that has another content now. The type belongs to the path; everything else is forgotten. */
export function replacedRecord({ file, type }: StreamRecord, tail: Tail): StreamRecord {
  return { ...newRecord(file, tail), ...(type === undefined ? {} : { type }) };
}

/** Whether a file still has the content that a record describes. Further bytes count as appended. */
export function isSameContent(record: StreamRecord, { size, digest }: Tail): boolean {
  if (size < record.size) return false;
  return record.digest === "" || digest === "" || record.digest === digest;
}

/** How the last append ended, provided that no process appends now. */
export function endedBy({ appending, ended }: StreamRecord): EndedReason {
  return appending ? "lost" : (ended ?? "unknown");
}

/**
 * Formats a record as text. Padding gives the next version the same length in most cases; a checksum detects a torn
 * record.
 */
export function formatRecord(record: StreamRecord): string {
  const content = JSON.stringify(record);
  const text = `${content.slice(0, -1)}${CHECK}${checkOf(content)}"}`;
  const bytes = Buffer.byteLength(text) + 1;
  return `${text}${" ".repeat(Math.ceil(bytes / UNIT_BYTES) * UNIT_BYTES - bytes)}\n`;
}

/**
 * Parses a record. An invalid media type is dropped.
 *
 * @returns Undefined for a record that is torn, invalid, or of another file.
 */
export function parseRecord(text: string, file: string): StreamRecord | undefined {
  try {
    const { check, ...value } = JSON.parse(text) as Record<string, unknown>;
    const isWhole = check === undefined || isFormatted(text, check) || check === checkOf(JSON.stringify(value));
    if (!isWhole || !isRecord(value) || value.file !== file) return undefined;
    const { type, ...rest } = value;
    return type === undefined || isMediaType(type) ? value : rest;
  } catch {
    return undefined;
  }
}

/** The checksum of a record as JSON. */
function checkOf(content: string): string {
  return sha256(content).slice(0, CHECK_LENGTH);
}

/** Whether a text is one of {@link formatRecord} with its right checksum. Then its content need not be formatted again. */
function isFormatted(text: string, check: unknown): boolean {
  const whole = text.trimEnd();
  const end = `${CHECK}${check}"}`;
  return whole.endsWith(end) && checkOf(`${whole.slice(0, -end.length)}}`) === check;
}

function isRecord(value: object): value is StreamRecord {
  const { file, generation, size, digest, ended, type, appending } = value as Partial<StreamRecord>;
  const isNamed = typeof file === "string" && typeof generation === "string" && /^[\w-]{1,64}$/.test(generation);
  const isProven = Number.isSafeInteger(size) && Number(size) >= 0 && typeof digest === "string";
  const isEnded = ended === undefined || ended === "unknown" || END_REASONS.some((reason) => reason === ended);
  const isTyped = type === undefined || typeof type === "string";
  return isNamed && isProven && isEnded && isTyped && (appending === undefined || appending === true);
}
