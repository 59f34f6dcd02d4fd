/**
 * Checks that a file to continue is the beginning of the current content at the URL.
 *
 * A note beside the file identifies its content, and a digest of the file's last bytes confirms it. If there is no note, the
 * server sends no generation, or the file is longer than the note says, the last bytes of the file are compared
 * with the server's.
 * @module
 */
import { realEnvironment } from "../../client/connection/environment.ts";
import { broken } from "../../client/connection/failure.ts";
import { parseTarget } from "../../client/connection/target.ts";
import { withToken } from "../../client/connection/token.ts";
import { StreamError, type TokenSource } from "../../client/mod.ts";
import { GENERATION_HEADER } from "../../protocol/generation.ts";
import { START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { bytesBefore, provenNote } from "./output-note.ts";

/** A file that a follow continues. */
export interface Continued {
  readonly file: string;
  /** Size of the file in bytes. */
  readonly size: number;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly token: TokenSource | undefined;
  readonly signal: AbortSignal;
}

/** The content that a file is the beginning of. */
export interface Continuation {
  /** The content generation, if the server sends it. */
  readonly generation?: string;
  /** Where the follow continues on a Durable Streams server, behind the first bytes of the file. */
  readonly from?: { readonly position: string; readonly size: number };
  /**
   * `same`: as far as can be determined. `missing`: the URL does not exist now. `unknown`: the server does not reveal
   * it.
   */
  readonly verdict: "same" | "missing" | "unknown";
}

/**
 * Determines the content that a non-empty file continues.
 *
 * @throws {StreamError} `changed` if the file differs from its note; `replaced` if its last bytes differ from the
 * server's; `range` if the server has fewer bytes; `unreachable` if it cannot be reached.
 */
export async function continuationOf(continued: Continued): Promise<Continuation> {
  const { file, url, size } = continued;
  const note = await provenNote(file, url);
  // Bytes beyond the note are fetched and written again.
  if (note?.position !== undefined) {
    return { ...named(note.generation), from: { position: note.position, size: note.size }, verdict: "same" };
  }
  if (note && note.size >= size) return { ...named(note.generation), verdict: "same" };
  // After a kill, the file may have bytes beyond the note; only a comparison with the server can confirm those.
  const { generation, verdict } = await compared(continued);
  if (note && generation !== undefined && generation !== note.generation) throw otherContent(file, url, undefined);
  const known = note?.generation ?? generation;
  return { verdict, ...named(known) };
}

/** The error for a file that is the beginning of other content. */
export function otherContent(file: string, url: string, cause: unknown): StreamError {
  const message =
    `${file} has the beginning of other content than ${url} has now: the path was removed, replaced or cut short. ` +
    `Name another file, or remove ${file} to fetch everything again.`;
  return new StreamError("replaced", message, { path: url, cause });
}

async function compared({ file, size, url, headers, token, signal }: Continued): Promise<Continuation> {
  const ours = await bytesBefore(file, size);
  if (!ours) throw new StreamError("changed", `${file} was cut short just now. Try again.`, { path: url });
  const from = size - ours.length;
  const target = parseTarget(url, headers);
  // Requests the stored bytes, without the changes of a plain read.
  target.url.searchParams.set("raw", "");
  target.url.searchParams.set("offset", String(from));
  const init = { headers: target.headers, signal, cache: "no-store" } as const;
  const environment = withToken(realEnvironment, token, target);
  const response = await environment.fetch(target.url, init).catch((error: unknown) => {
    throw broken(error, target.url);
  });
  const generation = response.headers.get(GENERATION_HEADER) ?? undefined;
  if (response.status === 416) {
    await response.body?.cancel();
    throw fewer(url);
  }
  // The original server answers no plain read during an append. The follow reports other errors.
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    return { verdict: response.status === 404 ? "missing" : "unknown" };
  }
  const skipped = response.headers.has(START_OFFSET_HEADER) ? 0 : from;
  const theirs = await beginningOf(response.body, skipped, ours.length);
  if (theirs.length < ours.length) throw fewer(url);
  if (!ours.equals(theirs)) throw otherContent(file, url, undefined);
  return { verdict: "same", ...named(generation) };
}

function named(generation: string | undefined): { readonly generation?: string } {
  return generation === undefined ? {} : { generation };
}

function fewer(url: string): StreamError {
  return new StreamError("range", "The server has fewer bytes.", { path: url });
}

/** Returns up to `length` bytes of a body after the first `skipped` bytes. */
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
