/**
 * Forks: copies of the beginning of a stream. A source that is removed leaves a tombstone while forks of it exist.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { isJsonType } from "../../protocol/media-type.ts";
import { NEWLINE } from "../../support/ascii.ts";
import { lineEndOf } from "../storage/json-tail.ts";
import { PieceReader } from "../storage/piece-reader.ts";
import type { Store, StoreStat } from "../storage/store.ts";
import type { ForkOrigin, StreamRecords, StreamState } from "../storage/stream-state.ts";
import type { ForkSpec } from "./creation.ts";

/** The part of a source that a fork begins with. */
export interface ForkPoint {
  readonly origin: ForkOrigin;
  /** Bytes of the source that the fork has. */
  readonly bytes: number;
}

/**
 * Finds the part of a source that a fork begins with.
 *
 * @throws {StreamError} `bad_request` for a place past the end of the source, or inside a JSON message.
 */
export async function forkPointOf(
  store: Store,
  { source, offset, sub }: ForkSpec,
  found: StoreStat,
  readBytes: number,
): Promise<ForkPoint> {
  const isJson = isJsonType(found.stream?.type);
  const size = isJson ? await lineEndOf(store, source, found) : found.size;
  const from = offset ?? size;
  if (from > size) throw pastEnd(source, size);
  if (isJson && from > 0 && (await byteAt(store, source, from - 1)) !== NEWLINE) {
    throw new StreamError("bad_request", `The offset ${from} of "/${source}" is inside a message.`, { path: source });
  }
  const bytes = sub === 0 || !isJson ? from + sub : await endOfMessage(store, source, { from, size, sub, readBytes });
  if (bytes > size) throw pastEnd(source, size);
  return { origin: { source, offset: from, sub }, bytes };
}

/** The forks of a path that exist, or have left a tombstone. */
export async function liveForks(records: StreamRecords, source: string): Promise<string[]> {
  const forks: string[] = [];
  for (const fork of await records.forksOf(source)) {
    const state = await records.find(fork);
    if (state?.fork?.source === source) forks.push(fork);
  }
  return forks;
}

/** The tombstone of a stream. */
export function tombstoneOf({ fork, created }: StreamState): StreamState {
  return { created, producers: {}, deleted: true, ...(fork && { fork }) };
}

/**
 * Removes a path. If it has forks, its tombstone is announced before: it is there even if the server dies in between, and
 * another process creates nothing in its place.
 */
export async function removeAnnounced(
  records: StreamRecords,
  path: string,
  state: StreamState | undefined,
  remove: () => Promise<boolean>,
): Promise<boolean> {
  if (!state || !records.prepareTombstone || (await liveForks(records, path)).length === 0) return remove();
  await records.prepareTombstone(path, tombstoneOf(state));
  let isRemoved = false;
  try {
    isRemoved = await remove();
  } finally {
    // A leftover tombstone has no effect while the file exists.
    if (!isRemoved) await records.prepareTombstone(path, undefined).catch(() => {});
  }
  return isRemoved;
}

async function byteAt(store: Store, path: string, at: number): Promise<number | undefined> {
  const pieces = new PieceReader(store.read(path, at, at + 1), 1);
  const piece = await pieces.read();
  await pieces.cancel();
  return piece?.[0];
}

/** The end of the `sub`-th message from an offset on. */
async function endOfMessage(
  store: Store,
  path: string,
  { from, size, sub, readBytes }: { from: number; size: number; sub: number; readBytes: number },
): Promise<number> {
  const pieces = new PieceReader(store.read(path, from, size), Math.max(1, Math.min(readBytes, size - from)));
  let at = from;
  let left = sub;
  try {
    for (let piece = await pieces.read(); piece; piece = await pieces.read()) {
      for (const byte of piece) {
        at++;
        if (byte === NEWLINE && --left === 0) return at;
      }
    }
  } finally {
    await pieces.cancel().catch(() => {});
  }
  throw pastEnd(path, size);
}

function pastEnd(path: string, size: number): StreamError {
  return new StreamError("bad_request", `The fork begins past the end of "/${path}", which has ${size} bytes.`, {
    path,
  });
}
