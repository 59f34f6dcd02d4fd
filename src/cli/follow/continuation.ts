/**
 * Going on with a file: it must be the beginning of what stands at the URL now.
 *
 * A note beside the file tells which content it has, and the file's own bytes prove that. Where there is no note, the
 * server names no content, or the file has more bytes than the note tells of, the last bytes of the file are compared
 * with what the server has in their place.
 * @module
 */
import { realEnvironment } from "../../client/connection/environment.ts";
import { broken } from "../../client/connection/failure.ts";
import { parseTarget } from "../../client/connection/target.ts";
import { StreamError } from "../../client/mod.ts";
import { GENERATION_HEADER } from "../../protocol/generation.ts";
import { START_OFFSET_HEADER } from "../../protocol/offset.ts";
import { bytesBefore, provenNote } from "./output-note.ts";

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

/**
 * What a file that is not empty continues.
 *
 * @throws {StreamError} `changed` when the file is not the one that its note tells of; `replaced` when its last bytes are
 * not what the server has there; what a server refuses with.
 */
export async function continuationOf(continued: Continued): Promise<Continuation> {
  const { file, url, size } = continued;
  const note = await provenNote(file, url);
  if (note && note.size >= size) return { generation: note.generation, verdict: "same" };
  // What is behind the noted bytes, as after a kill, only the server can vouch for.
  const { generation, verdict } = await compared(continued);
  if (note && generation !== undefined && generation !== note.generation) throw otherContent(file, url, undefined);
  const known = note?.generation ?? generation;
  return { verdict, ...(known === undefined ? {} : { generation: known }) };
}

/** What to tell about a file that can't be gone on with. */
export function otherContent(file: string, url: string, cause: unknown): StreamError {
  const message =
    `${file} has the beginning of other content than there is at ${url} now, which was removed, replaced or cut short. ` +
    `Name another file, or remove ${file} to fetch everything anew.`;
  return new StreamError("replaced", message, { path: url, cause });
}

async function compared({ file, size, url, headers, signal }: Continued): Promise<Continuation> {
  const ours = await bytesBefore(file, size);
  if (!ours) throw new StreamError("changed", `${file} was cut short just now. Try again.`, { path: url });
  const from = size - ours.length;
  const target = parseTarget(url, headers);
  // As they are stored, whatever a plain read would make of them.
  target.url.searchParams.set("raw", "");
  target.url.searchParams.set("offset", String(from));
  const init = { headers: target.headers, signal, cache: "no-store" } as const;
  const response = await realEnvironment.fetch(target.url, init).catch((error: unknown) => {
    throw broken(error, target.url);
  });
  const generation = response.headers.get(GENERATION_HEADER) ?? undefined;
  if (response.status === 416) {
    await response.body?.cancel();
    throw fewer(url);
  }
  // The original server has no plain answer while somebody appends; what else is wrong, the follow will find out.
  if (response.status !== 200 || !response.body) {
    await response.body?.cancel();
    return { verdict: response.status === 404 ? "missing" : "unknown" };
  }
  const skipped = response.headers.has(START_OFFSET_HEADER) ? 0 : from;
  const theirs = await beginningOf(response.body, skipped, ours.length);
  if (theirs.length < ours.length) throw fewer(url);
  if (!ours.equals(theirs)) throw otherContent(file, url, undefined);
  return { verdict: "same", ...(generation === undefined ? {} : { generation }) };
}

function fewer(url: string): StreamError {
  return new StreamError("range", "The server has fewer bytes.", { path: url });
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
