/**
 * Whether a file is being appended to.
 * @module
 */
import { Claim } from "./claims/claim.ts";
import { claimantsOf, mayBeClaimed } from "./claims/entries.ts";
import type { Owner } from "./claims/owner.ts";
import type { RootLease } from "./claims/root-lease.ts";
import { fileKey, type Reserved } from "./reserved/layout.ts";
import type { FileSessions } from "./sessions.ts";

/** Where appends are looked for. */
export interface AppendPlaces {
  readonly reserved: Reserved;
  readonly owner: Owner;
  readonly lease: RootLease;
  readonly sessions: FileSessions;
}

/**
 * Whether any process appends to a file, or a session waits for its appender; `kept` for a cached claim.
 *
 * @throws Errors of the operating system.
 */
export async function isAppended(places: AppendPlaces, file: string, path: string): Promise<boolean | "kept"> {
  const { reserved, owner, lease, sessions } = places;
  if (Claim.isClaimed(file)) return Claim.isClaimed(file);
  if (lease.mayBeElsewhere(fileKey(reserved, file)) && mayBeClaimed(reserved, file)) {
    // Another program may have damaged the claims folder. That must not prevent reading.
    const holders = await claimantsOf(reserved, owner, file).catch(() => []);
    if (holders.length > 0) return holders.every(({ owner }) => owner.isKept) ? "kept" : true;
  }
  return sessions.mayBeOpen(path) && (await sessions.find(path)) !== undefined;
}
