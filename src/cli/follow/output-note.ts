/**
 * The note beside the file of `follow --output`: which content the file has the beginning of, and how its bytes prove it.
 * @module
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { StreamError } from "../../client/mod.ts";
import { systemMessage } from "../common/complaint.ts";
import { resourceOf } from "../common/resource-url.ts";
import { readSmallFile, writeSmallFile } from "../common/small-file.ts";

/** Most bytes at the end of a file that speak for the whole. */
export const TAIL_BYTES: number = 4 * 1024;

/** What a note tells. */
export interface Note {
  /** The content at the server. */
  readonly generation: string;
  /** Bytes that the file had. */
  readonly size: number;
  /** SHA-256 of the last {@link TAIL_BYTES} of them, in hexadecimal. */
  readonly tail: string;
}

/**
 * Where the note of a file is.
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
 * The note of a file, once the bytes of the file have proved that it is the one that the note tells of.
 *
 * @returns nothing where there is none about this URL.
 * @throws {StreamError} `changed` when the file is shorter, or has other bytes; an error with a sentence when the note
 * can't be read.
 */
export async function provenNote(file: string, url: string): Promise<Note | undefined> {
  const place = noteOf(file);
  // Read before the file, which another command may be adding to.
  const text = await readSmallFile(place).catch((error: unknown) => {
    const why = systemMessage(error) ?? (error as Error).message;
    throw new Error(`Can't read ${place}, which tells what ${file} has: ${why}. Remove it, or name another file.`, {
      cause: error,
    });
  });
  const note = text === undefined ? undefined : understood(text, url);
  if (!note) return undefined;
  if ((await tailOf(file, note.size)) === note.tail) return note;
  const message =
    `${file} is not as the last run has left it: it was cut short, replaced or edited. Name another file, or remove ` +
    `${file} to fetch everything anew. If it does have the beginning of what is there, remove ${place}: ` +
    "its last bytes are compared with the server's then.";
  throw new StreamError("changed", message, { path: url });
}

/** Notes what a file has the beginning of, by its bytes before an offset. */
export async function keepNote(file: string, url: string, generation: string, size: number): Promise<void> {
  const place = noteOf(file);
  try {
    // Also finds out whether something else is in its place.
    await readSmallFile(place);
    const tail = await tailOf(file, size);
    if (tail === undefined) throw new Error("it was cut short meanwhile");
    await writeSmallFile(place, `${JSON.stringify({ url: resourceOf(url), generation, size, tail })}\n`, {
      sync: false,
    });
  } catch (error) {
    const why = systemMessage(error) ?? (error as Error).message;
    throw new Error(`Can't write to ${file}: ${why}, at ${place}.`, { cause: error });
  }
}

/** The last bytes of a file before an offset; nothing where it has fewer bytes. */
export async function bytesBefore(file: string, end: number): Promise<Buffer | undefined> {
  const from = Math.max(0, end - TAIL_BYTES);
  const bytes = Buffer.alloc(end - from);
  // There is nothing to read, and perhaps no file yet.
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

/** Nothing for the note of another URL, and for what is no note: the bytes have to tell. */
function understood(text: string, url: string): Note | undefined {
  let value: Partial<Record<string, unknown>> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const { url: noted, generation, size, tail } = value ?? {};
  const isNote = typeof generation === "string" && Number.isSafeInteger(size) && typeof tail === "string";
  if (!isNote || noted !== resourceOf(url) || (size as number) < 0) return undefined;
  return { generation, size: size as number, tail };
}
