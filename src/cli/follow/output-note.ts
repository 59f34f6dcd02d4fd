/**
 * The note beside the file of `follow --output`: the content that the file is the beginning of, and a digest to verify
 * it.
 * @module
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StreamError } from "../../client/mod.ts";
import { systemMessage } from "../common/error-line.ts";
import { resourceOf } from "../common/resource-url.ts";
import { readSmallFile, writeSmallFile } from "../common/small-file.ts";

/** Maximum bytes at the end of a file that the digest covers. */
export const TAIL_BYTES: number = 4 * 1024;

/** What a server reports about the content of which a file is the beginning: at least one of the two. */
export interface NotedContent {
  /** The content generation on the server. */
  readonly generation?: string | undefined;
  /** The position behind the file's bytes, on a Durable Streams server. */
  readonly position?: string | undefined;
}

/** The content of a note. */
export interface Note extends NotedContent {
  /** Size of the file in bytes when the note was written. */
  readonly size: number;
  /** SHA-256 of the last {@link TAIL_BYTES} of them, in hexadecimal. */
  readonly tail: string;
}

/**
 * The path of a file's note.
 *
 * @example
 * ```ts
 * noteOf("copies/disk.img"); // "copies/.disk.img.httpfstream"
 * ```
 */
export function noteOf(file: string): string {
  return join(dirname(file), `.${basename(file)}.httpfstream`);
}

/**
 * Reads the note of a file and verifies it against the file.
 *
 * @returns The note; undefined if there is none for this URL.
 * @throws {StreamError} `changed` if the file is shorter or has other bytes; an error with an explanation if the note
 * cannot be read.
 */
export async function provenNote(file: string, url: string): Promise<Note | undefined> {
  const place = noteOf(file);
  // Read before the file, because another command may be appending to the file.
  const text = await readSmallFile(place).catch((error: unknown) => {
    const why = systemMessage(error) ?? (error as Error).message;
    throw new Error(`Can't read ${place}, the note about ${file}: ${why}. Remove the note, or name another file.`, {
      cause: error,
    });
  });
  const note = text === undefined ? undefined : parseNote(text, url);
  if (!note) return undefined;
  if ((await tailOf(file, note.size)) === note.tail) return note;
  const message =
    `${file} is not as the last run left it: it was cut short, replaced or edited. Name another file, or remove ` +
    `${file} to fetch everything again. If it still has the beginning of the content, remove ${place}: ` +
    "the command then compares the last bytes of the file with the server's.";
  throw new StreamError("changed", message, { path: url });
}

/**
 * Writes the note of a file, with a digest of the bytes before `size`.
 *
 * @throws an error with an explanation if the note cannot be written.
 */
export async function keepNote(file: string, url: string, content: NotedContent, size: number): Promise<void> {
  const place = noteOf(file);
  try {
    // Also fails if the path of the note is used by something else.
    await readSmallFile(place);
    const tail = await tailOf(file, size);
    if (tail === undefined) throw new Error("it was cut short meanwhile");
    await writeSmallFile(place, `${JSON.stringify({ url: resourceOf(url), ...content, size, tail })}\n`, {
      sync: false,
    });
  } catch (error) {
    const why = systemMessage(error) ?? (error as Error).message;
    throw new Error(`Can't write ${place}, the note about ${file}: ${why}.`, { cause: error });
  }
}

/** Returns the last bytes of a file before an offset, at most {@link TAIL_BYTES}. Undefined if the file is shorter. */
export async function bytesBefore(file: string, end: number): Promise<Buffer | undefined> {
  const from = Math.max(0, end - TAIL_BYTES);
  const bytes = Buffer.alloc(end - from);
  // The file may not exist yet.
  if (bytes.length === 0) return bytes;
  const handle = await open(file, "r");
  try {
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
    return bytesRead === bytes.length ? bytes : undefined;
  } finally {
    await handle.close();
  }
}

async function tailOf(file: string, size: number): Promise<string | undefined> {
  const bytes = await bytesBefore(file, size);
  return bytes && createHash("sha256").update(bytes).digest("hex");
}

/** Parses a note. Returns undefined for a note of another URL and for invalid text, so that the bytes are compared. */
function parseNote(text: string, url: string): Note | undefined {
  let value: Partial<Record<string, unknown>> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const { url: noted, generation, position, size, tail } = value ?? {};
  const content = {
    ...(typeof generation === "string" && { generation }),
    ...(typeof position === "string" && { position }),
  };
  const isNote = Object.keys(content).length > 0 && Number.isSafeInteger(size) && typeof tail === "string";
  if (!isNote || noted !== resourceOf(url) || (size as number) < 0) return undefined;
  return { ...content, size: size as number, tail: tail as string };
}
