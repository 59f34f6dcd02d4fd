/**
 * The situation at a path, for a standing follow.
 * @module
 */
import type { AppendRegistry } from "../append/registry.ts";
import type { FollowLease } from "../sessions/follow-lease.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { StoreStat } from "../storage/store.ts";
import type { Look, PathWatch } from "./path-watch.ts";

/** The situation at a path: an append to follow, or the stored bytes. */
export interface Situation {
  /** The number of notices before this look. */
  readonly notices: number;
  readonly look: Look;
  /** The append, if there is one. */
  readonly lease: FollowLease | undefined;
}

/** The parts of the server that a standing follow needs. */
export interface StandingParts {
  readonly registry: AppendRegistry;
  readonly sessions: Sessions;
}

/** The parts of the content that identify it. */
export type Present = Pick<StoreStat, "size" | "generation">;

/** Checks a path, and leases its append if it has one. */
export async function situationAt(watch: PathWatch, { registry, sessions }: StandingParts): Promise<Situation> {
  const { path, notices } = watch;
  const look = await watch.look();
  if (!registry.isTaken(path) && !look.found?.appending) return { notices, look, lease: undefined };
  // A session that its former server left behind must claim its path before it is followed.
  await sessions.adopt(path);
  return { notices, look, lease: await sessions.lease(path) };
}

/** The content that is there; undefined if the path does not exist. */
export function presentIn({ lease, look }: Situation): Present | undefined {
  return lease?.source ?? look.found;
}
