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
  readonly state: StreamState;
}

/** A write: the bytes from one offset to another, and what they change. */
export interface NoteLine {
  readonly file: string;
  readonly generation: string;
  readonly from: number;
  readonly to: number;
  /** Of all bytes. */
  readonly digest: string;
  /** The first bytes, in base64. */
  readonly head: string;
  readonly change: StreamChange;
}

/** Takes the note before it back: nothing of it was stored. */
export interface VoidLine {
  readonly void: true;
}

export type LogLine = BaseLine | NoteLine | VoidLine;

/** What a log says. */
export interface LoggedStream {
  readonly file: string;
  readonly generation: string;
  /** The state before {@link last}. Undefined if that is what has created the stream. */
  readonly state: StreamState | undefined;
  /** The last write, whose bytes may be missing. */
  readonly last: NoteLine | undefined;
  /** How many lines the log has. */
  readonly lines: number;
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
  const { file, generation } = place;
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString("base64");
  return { file, generation, from, to: from + bytes.length, digest: digestOf(bytes), head, change };
}

/** The digest of the bytes of a write. */
export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, DIGEST_LENGTH);
}

/** Whether bytes are the beginning of a write, as far as its note tells. */
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
  let state: StreamState | undefined;
  let last: NoteLine | undefined;
  let generation: string | undefined;
  let lines = 0;
  for (const row of text.split("\n")) {
    const line = parseLine(row);
    if (!line || ("file" in line && line.file !== file)) break;
    lines++;
    if ("void" in line) {
      last = undefined;
      continue;
    }
    if (last) state = changedState(state, last.change);
    last = "state" in line ? undefined : line;
    if ("state" in line) state = line.state;
    ({ generation } = line);
  }
  return generation !== undefined && (state || last) ? { file, generation, state, last, lines } : undefined;
}

function parseLine(row: string): LogLine | undefined {
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
