/**
 * The claims of a process by one lease, from the time when it takes the lease until nothing depends on it.
 * @module
 */
import { namesIn } from "../folders/folder.ts";
import { formerKey } from "../reserved/format.ts";
import type { Reserved } from "../reserved/layout.ts";
import type { Lease } from "./lease.ts";
import { foreignSlots, type SlotState } from "./lease-files.ts";
import type { LeasedClaim } from "./mark.ts";
import type { OwnerRecord } from "./owner.ts";

/** Maximum number of claims that are entered by path at the same time. Each has a file open for a moment. */
const MAX_AT_ONCE = 64;

/** A lease, and the claims that this process has by it. */
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

  /**
   * Finds out which paths other processes have. Call it once the lease is taken: a process that claims anything later
   * breaks the lease first. Links show what the other processes of the group have by this lease.
   *
   * @throws Errors of the operating system. The lease is removed then.
   */
  async lookAround(reserved: Reserved, self: OwnerRecord): Promise<void> {
    try {
      // Slots first: their owners remove them once they have entered them.
      for (const { key } of foreignSlots(reserved, self, this.lease.links?.term)) this.exceptions.add(key);
      for (const key of await namesIn(reserved.claims)) this.folders.add(key);
      for (const key of await namesIn(reserved.handovers)) this.exceptions.add(key);
    } catch (error) {
      this.lease.remove();
      throw error;
    }
  }

  /** Whether a path has a claims folder, by its key or by the one that earlier versions gave to its file. */
  hasFolder(key: string, file: string): boolean {
    return this.folders.size > 0 && (this.folders.has(key) || this.folders.has(formerKey(file)));
  }

  /**
   * Makes entries for all claims. A claim that cannot be entered now stays in the lease, where other processes see it.
   */
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
