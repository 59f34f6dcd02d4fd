/**
 * Claims a path in the store for an append, under its preconditions.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { isJsonType } from "../../protocol/media-type.ts";
import { NoticeWait } from "../follow/notice-wait.ts";
import type { Limits } from "../limits.ts";
import { closedStream, graceConflict } from "../storage/conflicts.ts";
import { bytesOf, lineEndOf } from "../storage/json-tail.ts";
import type { AppendHandle, ClaimOptions, Store } from "../storage/store.ts";
import type { FreeSpace } from "./free-space.ts";
import { maxRemainingMs } from "./grace-left.ts";
import { JsonScanner } from "./json-scanner.ts";
import { checkAfterClaim, checkBeforeClaim, mustExist, type PathPreconditions } from "./preconditions.ts";
import type { UsedSpace } from "./used-space.ts";

/** Milliseconds within which another process releases a path that it was asked for. */
const HANDOVER_MS = 2_000;

/** Milliseconds before each attempt at claiming it, unless the other process reports that the path is free. */
const ATTEMPT_INTERVAL_MS = 100;

/** Milliseconds within which the append of another process ends if its client has left, and between two looks at it. */
const ENDING_MS = 300;
const ENDING_INTERVAL_MS = 25;

/** Bytes per read of an unfinished line. */
const LOOK_BYTES = 64 * 1024;

/** Preconditions for an append, and how to claim its path. */
export interface AppendPreconditions extends PathPreconditions {
  /** Whether to create the path if it does not exist. Default true. */
  readonly create?: boolean;
  /** The digest of the session to resume. A path with any other session on record is refused. */
  readonly session?: string;
  /** Milliseconds; see {@link ClaimOptions.extraLeaseMs}. Default 0. */
  readonly extraLeaseMs?: number;
  /** The media type of the appended bytes; see {@link ClaimOptions.type}. */
  readonly type?: string | undefined;
  /** The address of the client, which counts for {@link Limits.peerAppends}. Default: unknown, and not counted. */
  readonly peer?: string | undefined;
  /** The id of the request that appends. Default: none. */
  readonly requestId?: string | undefined;
  /** Whether the caller enforces the stream rules itself. Default false: a closed stream refuses the append. */
  readonly enforcesStreamRules?: boolean;
  /** Called after the claim, before the path can be followed. If it throws, the path is released. */
  prepare?(handle: AppendHandle): Promise<void>;
}

/** The server that claims a path. */
export interface Claimant {
  readonly store: Store;
  readonly limits: Readonly<Limits>;
  readonly space: FreeSpace;
  readonly used: UsedSpace;
  /** Called before a path is claimed for an appender that does not enforce the stream rules itself. */
  readonly beforeRaw: ((path: string) => Promise<void>) | undefined;
  /** @throws {StreamError} `restarting` if the shutdown has begun. */
  assertOpen(): void;
}

/**
 * Refuses a path whose session waits for its appender.
 *
 * @param session The digest of the session that may use the path. Default: none.
 * @throws {StreamError} `conflict`
 */
export async function assertNoSession(store: Store, path: string, session?: string): Promise<void> {
  const open = await store.sessions.find(path);
  if (open && open.digest !== session) throw graceConflict(path, open.graceLeftMs ?? 1_000);
}

/** A claimed path. */
export interface Claimed {
  readonly handle: AppendHandle;
  /** The scanner of a JSON stream, which has read the last line; undefined for any other path. */
  readonly lines: JsonScanner | undefined;
}

/**
 * Claims a path.
 *
 * @param isLeaving Whether the append is about to end; see {@link ClaimOptions.isLeaving}. Default: never.
 * @throws {StreamError} as {@link AppendRegistry.admit}.
 */
export async function claimPath(
  by: Claimant,
  path: string,
  terms: AppendPreconditions,
  isLeaving: () => boolean = () => false,
): Promise<Claimed> {
  const { store } = by;
  if (!terms.enforcesStreamRules) await by.beforeRaw?.(path);
  const before = await checkBeforeClaim(store, path, terms);
  // A session that continues may use the space that is left.
  if (terms.session === undefined) await by.space.assertRoom(path);
  if (terms.session === undefined) await by.used.assertRoom(path);
  let isChecked = false;
  // The server of an open session may have died after it was last seen alive, and before this claim.
  const check = async (): Promise<void> => {
    isChecked = true;
    await assertNoSession(store, path, terms.session);
  };
  const create = !mustExist(terms) && terms.create !== false;
  const kept = terms.enforcesStreamRules ?? false;
  const options = { create, check, extraLeaseMs: terms.extraLeaseMs ?? 0, type: terms.type, kept, isLeaving };
  const handle = await store.claim(path, options).catch(async (error) => {
    const claims = isConflict(error) && !terms.enforcesStreamRules ? [claimKept, claimEnding] : [];
    for (const claim of claims) {
      const handle = await claim(store, path, options);
      if (handle) return handle;
    }
    // The path was removed after the first check. The second check throws if the preconditions require it to exist.
    if (isNotFound(error)) await checkBeforeClaim(store, path, terms);
    throw await refused(by, path, error);
  });
  try {
    // A shutdown that began during the claim does not know this append, and would wait for it.
    by.assertOpen();
    // Not every store calls `check`, and before the claim, one that may be stale may not have shown a session.
    if (!isChecked || store.maxStaleMs !== undefined) await check();
    if (!terms.enforcesStreamRules && handle.stream?.closed) throw closedStream(path, handle.offset);
    await checkAfterClaim(store, { path, before, handle }, terms);
    const lines = isJsonType(handle.stream?.type) ? await lastLineOf(by, path, handle) : undefined;
    await terms.prepare?.(handle);
    return { handle, lines };
  } catch (error) {
    await (handle.discard?.() ?? handle.release());
    throw error;
  }
}

/** Reads the last line, which may be unfinished: the next append continues it. */
async function lastLineOf(
  { store, limits }: Claimant,
  path: string,
  { offset: size, generation }: AppendHandle,
): Promise<JsonScanner> {
  // Readers of messages search for the end of the last line, and buffer what follows it until the line ends.
  const lines = new JsonScanner("lines", limits.durableBodyBytes);
  for (let from = await lineEndOf(store, path, { size, generation }); from < size; from += LOOK_BYTES) {
    lines.take(await bytesOf(store, path, { from, to: Math.min(size, from + LOOK_BYTES), generation }));
  }
  return lines;
}

/** Claims a stream whose writer in another process may be idle; undefined if it does not release the path. */
async function claimKept(store: Store, path: string, options: ClaimOptions): Promise<AppendHandle | undefined> {
  // A session would hand itself over.
  if (!store.requestHandover || !(await store.streams?.find(path)) || (await store.sessions.find(path)))
    return undefined;
  const notices = new NoticeWait(store, path, HANDOVER_MS);
  const withdraw = await store.requestHandover(path);
  try {
    while (!notices.isLate) {
      await notices.within(ATTEMPT_INTERVAL_MS);
      const handle = await claimUnlessHeld(store, path, options);
      if (handle) return handle;
    }
    return undefined;
  } finally {
    notices.stop();
    await withdraw();
  }
}

/**
 * Claims a path whose append in another process may be ending: its client may know of the end before the path is free.
 * Undefined if the append goes on.
 */
async function claimEnding(store: Store, path: string, options: ClaimOptions): Promise<AppendHandle | undefined> {
  // The server of a session removes its record before the client knows of the end.
  if (await store.sessions.find(path).catch(() => undefined)) return undefined;
  for (const untilMs = performance.now() + ENDING_MS; performance.now() < untilMs; ) {
    await new Promise((resolve) => setTimeout(resolve, ENDING_INTERVAL_MS));
    const handle = await claimUnlessHeld(store, path, options);
    if (handle) return handle;
  }
  return undefined;
}

/** Claims a path; undefined if another process has it. */
async function claimUnlessHeld(store: Store, path: string, options: ClaimOptions): Promise<AppendHandle | undefined> {
  return await store.claim(path, options).catch((error: unknown) => {
    if (!isConflict(error)) throw error;
    return undefined;
  });
}

function isConflict(error: unknown): boolean {
  return error instanceof StreamError && error.code === "conflict";
}

/** Refines a conflict: the append of another process may be in its grace period, with the time left on record. */
async function refused({ store, limits }: Claimant, path: string, error: unknown): Promise<unknown> {
  if (!(error instanceof StreamError) || error.code !== "conflict") return error;
  const open = await store.sessions.find(path).catch(() => undefined);
  if (open?.graceLeftMs === undefined) {
    return open ? new StreamError(error.code, error.message, { path, headers: { "Retry-After": "1" } }) : error;
  }
  return graceConflict(path, maxRemainingMs(open.graceLeftMs, limits.graceMs));
}

function isNotFound(error: unknown): boolean {
  return error instanceof StreamError && error.code === "not_found";
}
