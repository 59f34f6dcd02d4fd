/**
 * The log of a stream: what is on record of it, as lines of text.
 *
 * The first line is the state at some time. Each later one is a note: what a write changes, stored before its bytes. A
 * checksum detects a torn line.
 * @module
 */
import { createHash } from "node:crypto";
import { changedState, type StreamChange, type StreamState } from "../../../engine/storage/stream-state.ts";

/** Hexadecimal digits of a checksum. */
const CHECK_LENGTH = 8;

/** Hexadecimal digits of a digest that are kept. */
const DIGEST_LENGTH = 32;

/** Bytes at the beginning of a write that its note repeats. */
const HEAD_BYTES = 48;

/** The state at some time. */
export interface BaseLine {
  /** The file, relative to the root. */
  readonly file: string;
  /** The content that it belongs to; empty for a tombstone. */
  readonly generation: string;
  /** The number of the last note that it contains. */
  readonly number: number;
  readonly state: StreamState;
}

/** A write: the bytes from one offset to another, and what they change. */
export interface NoteLine {
  readonly file: string;
  readonly generation: string;
  /** Grows with each note of the log. */
  readonly number: number;
  readonly from: number;
  readonly to: number;
  /** Of all bytes. */
  readonly digest: string;
  /** The first bytes, in base64. */
  readonly head: string;
  readonly change: StreamChange;
}

/** Withdraws a note, which may not be in the log: nothing of it was stored. */
export interface VoidLine {
  readonly void: true;
  readonly number: number;
}

export type LogLine = BaseLine | NoteLine | VoidLine;

/** The content of a log. */
export interface LoggedStream {
  readonly file: string;
  readonly generation: string;
  /** The number of the last note. */
  readonly number: number;
  /** The state before {@link last}. Undefined if that is what has created the stream. */
  readonly state: StreamState | undefined;
  /** The last write, whose bytes may be missing. */
  readonly last: NoteLine | undefined;
  /** The intact lines of the log. */
  readonly lines: readonly string[];
}

/** Formats a line. */
export function formatLine(line: LogLine): string {
  const text = JSON.stringify(line);
  return `${checkOf(text)} ${text}\n`;
}

/** The note of a write. */
export function noteOf(
  place: Omit<BaseLine, "state">,
  from: number,
  bytes: Uint8Array,
  change: StreamChange,
): NoteLine {
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString("base64");
  return { ...place, from, to: from + bytes.length, digest: digestOf(bytes), head, change };
}

/** The digest of the bytes of a write. */
export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, DIGEST_LENGTH);
}

/** Whether bytes are the beginning of a write, as far as its note shows. */
export function isHeadOf({ head }: NoteLine, bytes: Uint8Array): boolean {
  const begun = Buffer.from(head, "base64");
  const common = Math.min(begun.length, bytes.length);
  return begun.subarray(0, common).equals(bytes.subarray(0, common));
}

/**
 * Parses a log. A torn line ends it.
 *
 * @param file The file that it must be about.
 * @returns Undefined if nothing is on record.
 */
export function parseLog(text: string, file: string): LoggedStream | undefined {
  let logged: Omit<LoggedStream, "lines"> | undefined;
  let number = 0;
  const lines: string[] = [];
  for (const row of text.split("\n")) {
    const line = parseLine(row);
    if (!line || ("file" in line && line.file !== file)) break;
    lines.push(row);
    ({ number } = line);
    if (!("void" in line)) logged = follow(logged, line);
    else if (logged?.last?.number === number) logged = { ...logged, last: undefined };
  }
  return logged && (logged.state || logged.last) ? { ...logged, number, lines } : undefined;
}

/** The content of a log after one more line. */
function follow(
  before: Omit<LoggedStream, "lines"> | undefined,
  line: BaseLine | NoteLine,
): Omit<LoggedStream, "lines"> {
  const { file, generation, number } = line;
  if ("state" in line) return { file, generation, number, state: line.state, last: undefined };
  const { state, last } = before ?? {};
  // A write that begins before the end of another one replaces it: nothing of that was stored.
  const isStored = last !== undefined && line.from >= last.to;
  return { file, generation, number, state: isStored ? changedState(state, last.change) : state, last: line };
}

/** Parses a line, without its line feed. Undefined if it is torn. */
export function parseLine(row: string): LogLine | undefined {
  const text = row.slice(CHECK_LENGTH + 1);
  if (text === "" || row.slice(0, CHECK_LENGTH) !== checkOf(text)) return undefined;
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}

function checkOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, CHECK_LENGTH);
}
