/**
 * Going on with a file: it must be the beginning of what stands at the URL now.
 *
 * The generation of what a file has is kept beside it, in a hidden file of a few bytes. Where there is none, or the server
 * names no generation, the last bytes of the file are compared with what the server has in their place.
 * @module
 */
import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { realEnvironment } from "../client/environment.ts";
import { broken } from "../client/failure.ts";
import { StreamError } from "../client/mod.ts";
import { parseTarget } from "../client/target.ts";
import { GENERATION_HEADER } from "../core/generation.ts";
import { START_OFFSET_HEADER } from "../core/offset.ts";
import { systemMessage } from "./complaint.ts";

/** Most bytes that are compared. */
const COMPARED_BYTES = 4 * 1024;

/** A file that a follow writes to, and what it has by now. */
export interface Continued {
  readonly file: string;
  /** Bytes in it. */
  readonly size: number;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal;
}

/** What a file has the beginning of. */
export interface Continuation {
  /** The content, where the server names it. */
  readonly generation?: string;
  /** `same`: as far as that can be told. `missing`: there is nothing at the URL now. `unknown`: the server does not tell. */
  readonly verdict: "same" | "missing" | "unknown";
}

/** Where the generation of a file's content is kept. */
export function noteOf(file: string): string {
  return join(dirname(file), `.${basename(file)}.httpfstream`);
}

/**
 * What a file that is not empty continues.
 *
 * @throws {StreamError} `replaced` when its last bytes are not what the server has there; what a server refuses with.
 */
export async function continuationOf(continued: Continued): Promise<Continuation> {
  const noted = await readNote(continued);
  return noted === undefined ? await compared(continued) : { generation: noted, verdict: "same" };
}

/** Remembers what a file has the beginning of; whole or not at all. */
export async function keepNote(file: string, url: string, generation: string): Promise<void> {
  const note = noteOf(file);
  const temporary = `${note}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify({ url: parseTarget(url).url.href, generation })}\n`, { flag: "wx" });
    await rename(temporary, note);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new Error(`Can't write to ${file}: ${systemMessage(error) ?? String(error)}, at ${note}.`, { cause: error });
  }
}

/** What to tell about a file that can't be gone on with. */
export function otherContent(file: string, url: string, cause: unknown): StreamError {
  const message =
    `${file} has the beginning of other content than there is at ${url} now, which was removed, replaced or cut short. ` +
    `Name another file, or remove ${file} to fetch everything anew.`;
  return new StreamError("replaced", message, { path: url, cause });
}

async function readNote({ file, url }: Continued): Promise<string | undefined> {
  try {
    const { url: noted, generation } = JSON.parse(await readFile(noteOf(file), "utf8")) as Record<string, unknown>;
    return noted === parseTarget(url).url.href && typeof generation === "string" ? generation : undefined;
  } catch {
    // There is none, or it is no note: the bytes have to tell.
    return undefined;
  }
}

async function compared({ file, size, url, headers, signal }: Continued): Promise<Continuation> {
  const from = Math.max(0, size - COMPARED_BYTES);
  const ours = await endOf(file, from, size);
  const target = parseTarget(url, headers);
  target.url.searchParams.set("offset", String(from));
  const init = { headers: target.headers, signal, cache: "no-store" } as const;
  const response = await realEnvironment.fetch(target.url, init).catch((error: unknown) => {
    throw broken(error, target.url);
  });
  const generation = response.headers.get(GENERATION_HEADER) ?? undefined;
  if (response.status === 416) {
    await response.body?.cancel();
    throw new StreamError("range", "The server has fewer bytes.", { path: url });
  }
  // The original server has no plain answer while somebody appends; what else is wrong, the follow will find out.
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    return { verdict: response.status === 404 ? "missing" : "unknown" };
  }
  const skipped = response.headers.has(START_OFFSET_HEADER) ? 0 : from;
  const theirs = await beginningOf(response.body, skipped, ours.length);
  if (!ours.equals(theirs)) throw otherContent(file, url, undefined);
  return { verdict: "same", ...(generation === undefined ? {} : { generation }) };
}

async function endOf(file: string, from: number, size: number): Promise<Buffer> {
  const opened = await open(file, "r");
  try {
    const { buffer, bytesRead } = await opened.read(Buffer.alloc(size - from), 0, size - from, from);
    return buffer.subarray(0, bytesRead);
  } finally {
    await opened.close();
  }
}

/** So many bytes of a body behind those that are skipped, or as many as there are. */
async function beginningOf(body: ReadableStream<Uint8Array>, skipped: number, length: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const reader = body.getReader();
  let at = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const end = at + next.value.length;
    if (end > skipped) pieces.push(next.value.subarray(Math.max(0, skipped - at)));
    at = end;
    if (at >= skipped + length) break;
  }
  await reader.cancel().catch(() => {});
  return Buffer.concat(pieces).subarray(0, length);
}
