/**
 * What a process has by one lease, from when it takes the lease until nothing depends on it.
 * @module
 */
import { formerKey } from "../reserved/format.ts";
import type { Lease } from "./lease.ts";
import type { SlotState } from "./lease-files.ts";
import type { LeasedClaim } from "./mark.ts";

/** Maximum number of claims that are entered by path at the same time. Each has a file open for a moment. */
const MAX_AT_ONCE = 64;

/** A lease, and what this process has by it. */
export class LeaseTerm {
  readonly lease: Lease;
  /** The claims, by the places of their slots. */
  readonly claims: Map<number, LeasedClaim> = new Map();
  /** The keys of paths that have claims folders. They are claimed by path until these folders are gone. */
  readonly folders: Set<string> = new Set();
  /** The keys of paths that former owners may have, or that another process requests. They are claimed by path. */
  readonly exceptions: Set<string> = new Set();
  /** When the lease was taken, on the monotonic clock. */
  readonly sinceMs: number = performance.now();
  /** Whether a process of an earlier version, which does not know of leases, may have claimed paths meanwhile. */
  isDoubtful = false;
  /** The work of entering the claims by path, while it is under way. */
  entering: Promise<void> | undefined;

  constructor(lease: Lease) {
    this.lease = lease;
  }

  /** Whether a path has a claims folder, by its key or by the one that earlier versions gave to its file. */
  hasFolder(key: string, file: string): boolean {
    return this.folders.size > 0 && (this.folders.has(key) || this.folders.has(formerKey(file)));
  }

  /** Enters all claims by path. One that cannot be entered now stays in the lease, where other processes see it. */
  async enterClaims(): Promise<void> {
    const left = [...this.claims];
    const enterNext = async (): Promise<void> => {
      for (let next = left.pop(); next; next = left.pop()) {
        const [at, claim] = next;
        const state = (): SlotState | undefined => (this.isDoubtful ? undefined : this.lease.stateOf(at));
        await claim.enterByPath(state).then(
          () => this.claims.delete(at),
          () => {},
        );
      }
    };
    await Promise.all(Array.from({ length: MAX_AT_ONCE }, enterNext));
  }
}
