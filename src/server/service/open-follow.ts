/**
 * Opens the follow of a path.
 * @module
 */
import type { Follow } from "../../engine/follow/follow.ts";
import { findContent } from "../../engine/sessions/find-content.ts";
import type { FollowLease } from "../../engine/sessions/follow-lease.ts";
import { LeasedFollow } from "../../engine/sessions/leased-follow.ts";
import type { StoreStat } from "../../engine/storage/store.ts";
import { StreamError } from "../../protocol/errors.ts";
import { checkGeneration } from "../../protocol/generation.ts";
import { resolveStart, type Start } from "../../protocol/offset.ts";
import type { Service } from "./service.ts";

/** What to follow. */
export interface FollowParameters {
  /** Where to start. */
  readonly start: Start;
  /** The generation that the content must have; undefined for any. */
  readonly generation: string | undefined;
  /** Whether the follow outlasts appends. */
  readonly stay: boolean;
}

/** The follow of a path, which the caller must leave, or what is stored at a path that has no append. */
export interface OpenedFollow {
  readonly follow?: Follow;
  /** Undefined if the path does not exist. */
  readonly stored?: StoreStat | undefined;
}

/**
 * Opens the follow of a path.
 *
 * @throws {StreamError} `replaced`, `range`, `restarting`; with `stay`, `path_conflict` for a folder, or `not_found` if
 * listings are off; what reading the store throws.
 */
export async function openFollow(service: Service, path: string, parameters: FollowParameters): Promise<OpenedFollow> {
  if (parameters.stay) return { follow: await standingFollow(service, path, parameters) };
  if (await isOpenStream(service, path)) {
    return { follow: await service.standing.open(path, { ...parameters, tells: false }) };
  }
  const { lease, stored } = await findContent(service, path);
  return lease ? { follow: leasedFollow(service, path, lease, parameters) } : { stored };
}

/** The refusal of a follow of a folder. */
export function nothingToFollow(path: string): StreamError {
  return new StreamError("path_conflict", `"/${path}" is a folder: there is nothing to follow.`, { path });
}

/** Whether a path is a stream that a client has created and not closed. It counts as having an appender. */
async function isOpenStream({ durable }: Service, path: string): Promise<boolean> {
  const state = await durable?.find(path);
  return state?.created === true && !state.closed && !state.deleted && !state.incomplete;
}

/** Follows one append. Releases the lease if this throws. */
function leasedFollow(
  service: Service,
  path: string,
  lease: FollowLease,
  { start, generation }: FollowParameters,
): Follow {
  try {
    checkGeneration(path, generation, lease.source.generation);
    return new LeasedFollow(lease, resolveStart(start, lease.source.size), service);
  } catch (error) {
    lease.leave();
    throw error;
  }
}

/** Follows any number of appends. The path need not exist, but it must not be a folder. */
async function standingFollow(service: Service, path: string, parameters: FollowParameters): Promise<Follow> {
  const { store, standing, listings } = service;
  const follow = await standing.open(path, parameters);
  try {
    if (follow.isMissing && (await store.list(path, { limit: 1 }))) {
      throw listings ? nothingToFollow(path) : new StreamError("not_found", `"/${path}" does not exist.`, { path });
    }
    return follow;
  } catch (error) {
    follow.leave();
    throw error;
  }
}
