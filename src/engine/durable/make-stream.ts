/**
 * Creates a stream, or a fork of one.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { essenceOf, isJsonType } from "../../protocol/media-type.ts";
import { type BatchSizes, cut } from "../append/batch-sizes.ts";
import type { AppendPreconditions } from "../append/claim.ts";
import type { UsedSpace } from "../append/used-space.ts";
import type { Limits } from "../limits.ts";
import { PieceReader } from "../storage/piece-reader.ts";
import type { Store, StoreStat } from "../storage/store.ts";
import type { StreamRecords, StreamState } from "../storage/stream-state.ts";
import { type CreateSpec, creationConflict, type ForkSpec, isSameFile, isSameStream, newState } from "./creation.ts";
import { type ForkPoint, forkPointOf } from "./forks.ts";
import type { ClaimedJobPath, Present } from "./job.ts";
import { jsonLines } from "./json-messages.ts";

/** A stream that was created, or existed already. */
export interface Made {
  readonly isNew: boolean;
  readonly offset: number;
  readonly generation: string;
  /** Undefined for a plain file. */
  readonly state: StreamState | undefined;
}

/** The parts of the server that the creation of a stream needs. */
export interface MakingParts {
  readonly store: Store;
  readonly records: StreamRecords;
  readonly limits: Readonly<Limits>;
  readonly used: UsedSpace;
  readonly batchSizes: BatchSizes;
}

/** Claims the path of the new stream, and runs a task with it. */
type WhileClaimed = (
  terms: Pick<AppendPreconditions, "type">,
  run: (held: ClaimedJobPath) => Promise<Made>,
) => Promise<Made>;

/** The source of a fork, and the part that the fork begins with. */
interface Source extends ForkPoint {
  readonly found: StoreStat;
  readonly state: StreamState;
}

/**
 * Creates a stream at a path that does not exist, whole or not at all.
 *
 * @throws {StreamError} `not_found`, `mismatch` and `bad_request` for a fork; `not_json`, and what storing throws.
 */
export async function makeStream(
  parts: MakingParts,
  path: string,
  ask: CreateSpec,
  whileClaimed: WhileClaimed,
): Promise<Made> {
  if (!ask.fork) {
    const state = newState(ask);
    const bytes = bodyOf(ask, state);
    return whileClaimed({ type: ask.type }, async ({ store, generation }) => {
      await store({ bytes, change: state });
      return { isNew: true, offset: bytes.length, generation, state };
    });
  }
  const { fork } = ask;
  const first = await sourceOf(parts, ask, fork);
  const planned = newState(ask, first.state, first.origin);
  // A refusal must come before the claim, which creates the path.
  bodyOf(ask, planned);
  return whileClaimed({ type: planned.type }, (held) => makeFork(parts, path, { ask, fork, held }));
}

/** The source of a fork, and its claimed path: no other creation notes or removes it meanwhile. */
interface Making {
  readonly ask: CreateSpec;
  readonly fork: ForkSpec;
  readonly held: ClaimedJobPath;
}

async function makeFork(parts: MakingParts, path: string, { ask, fork, held }: Making): Promise<Made> {
  const { source } = fork;
  await parts.records.addFork(source, path);
  try {
    // Looked up again: from here on, a removal of the source leaves a tombstone.
    const known = await sourceOf(parts, ask, fork);
    const state = newState(ask, known.state, known.origin);
    const bytes = bodyOf(ask, state);
    const unreserve = parts.used.reserve(path, known.bytes + bytes.length);
    try {
      await copy(parts, held, known, state);
      await held.store({ bytes, change: { ...state, incomplete: false } });
    } finally {
      unreserve();
    }
    return { isNew: true, offset: known.bytes + bytes.length, generation: held.generation, state };
  } catch (error) {
    // If the source was removed during the copy, that is the reason.
    const reason = await sourceOf(parts, ask, fork).then(
      () => error,
      (missing: unknown) => missing,
    );
    const made = await parts.records.find(path);
    if (made?.fork?.source !== source || made.incomplete) await parts.records.removeFork(source, path);
    throw reason;
  }
}

/** Copies the beginning of the source. Until all of it is stored, the stream counts as missing. */
async function copy(parts: MakingParts, held: ClaimedJobPath, source: Source, state: StreamState): Promise<void> {
  const { found, bytes, origin } = source;
  if (bytes === 0) return;
  const { readBytes } = parts.limits;
  const stored = parts.store.read(origin.source, 0, bytes, undefined, found.generation || undefined);
  const pieces = new PieceReader(stored, Math.min(readBytes, bytes));
  const { closed: _, ...open } = state;
  try {
    for (let piece = await pieces.read(); piece; piece = await pieces.read()) {
      for (const bytes of cut(piece, parts.batchSizes.whole)) {
        await held.store({ bytes, change: { ...open, incomplete: true } });
      }
    }
  } finally {
    await pieces.cancel().catch(() => {});
  }
}

async function sourceOf({ store, records, limits }: MakingParts, ask: CreateSpec, fork: ForkSpec): Promise<Source> {
  const { source } = fork;
  const found = await store.stat(source);
  if (!found) {
    const isGone = (await records.find(source))?.deleted;
    const message = isGone ? `"/${source}" was removed, so it can't be forked.` : `"/${source}" does not exist.`;
    throw new StreamError(isGone ? "mismatch" : "not_found", message, { path: source });
  }
  const state = found.stream ?? {
    created: false,
    producers: {},
    ...(found.type !== undefined && { type: found.type }),
  };
  if (ask.type !== undefined && essenceOf(ask.type) !== essenceOf(state.type)) {
    throw new StreamError("mismatch", `A fork has the type of its source, ${state.type ?? "(none)"}.`, {
      path: source,
    });
  }
  return { found, state, ...(await forkPointOf(store, fork, found, limits.readBytes)) };
}

function bodyOf({ bytes }: CreateSpec, { type }: StreamState): Uint8Array {
  return bytes.length > 0 && isJsonType(type) ? jsonLines(bytes) : bytes;
}

/** The answer if there is something at the path already; undefined if it can be created. */
export function foundSame(
  path: string,
  found: Pick<StoreStat, "size" | "generation" | "stream"> | undefined,
  ask: CreateSpec,
): Made | undefined {
  const { stream, size = 0, generation = "" } = found ?? {};
  const isSame = stream ? isSameStream(stream, ask) : size === 0 || isSameFile(ask);
  if (!isSame) throw creationConflict(path, stream, ask);
  if (!stream && size === 0) return undefined;
  return { isNew: false, offset: size, generation, state: stream };
}

/** A claimed path as a look at the store shows it. */
export function presentStat({ size, state, generation }: Present): Pick<StoreStat, "size" | "generation" | "stream"> {
  return { size, generation, ...(state && { stream: state }) };
}
