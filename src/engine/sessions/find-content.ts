/**
 * Finds the append or the stored bytes for a follow of a path.
 * @module
 */
import type { StoreStat } from "../storage/store.ts";
import type { Appends } from "./appends.ts";
import type { FollowLease } from "./follow-lease.ts";

/** The append to a path, or what is stored there if it has no append. */
export interface FoundContent {
  /** The append, which the caller must leave. */
  readonly lease?: FollowLease;
  /** What is stored; undefined if the path has an append or does not exist. */
  readonly stored?: StoreStat | undefined;
}

/** Attempts at finding an append that begins or ends meanwhile. */
const ATTEMPTS = 5;

/**
 * Leases the append to a path, or finds what is stored.
 *
 * @throws {StreamError} `restarting`; what reading the store throws.
 */
export async function findContent({ registry, sessions }: Appends, path: string): Promise<FoundContent> {
  // A session that its former server left behind must claim its path before it is followed.
  await sessions.adopt(path);
  for (let attempt = 1; ; attempt++) {
    const lease = await sessions.lease(path);
    if (lease) return { lease };
    const stored = await registry.store.stat(path);
    // An append that began after the lease: what is stored would be a snapshot of its first bytes, and seem complete.
    if (!stored?.appending || attempt === ATTEMPTS) return { stored };
  }
}
