/**
 * How a claim by the lease of the whole root and that lease use each other.
 * @module
 */
import type { TermLinks } from "../groups/term-links.ts";
import type { Lease } from "./lease.ts";
import type { SlotState } from "./lease-files.ts";

/** A claim by the lease. */
export interface LeasedClaim {
  /** The resource path, for messages. */
  readonly path: string;
  /** Milliseconds without a sign of life after which another owner of the path is silent. */
  readonly leaseMs: number;
  /** Whether it is cached between many short appends. Other processes see that in its slot. */
  readonly isKept: boolean;
  /** Called in the turn in which the path is claimed. */
  marked(mark: Mark): void;
  /**
   * Enters the claim by path, because the lease was broken. Later checks read the entry.
   *
   * @param state The state of its slot, to be asked for once the entry is there. Undefined if the lease was removed, or
   * another process may have claimed the path in spite of it.
   */
  enterByPath(state: () => SlotState | undefined): Promise<void>;
}

/** A mark in a lease. */
export interface Mark {
  /** Whether no other process has taken the path over. Checks the disk. */
  readonly isThere: boolean;
  /** Whether no other process has broken the lease. Checks the disk. */
  readonly isIntact: boolean;
  /** Frees the path. False if the lease was broken: the claim must then {@link leave}, and be released by path. */
  free(): boolean;
  /** Resolves when the claim of a broken lease was entered by path, or could not be. */
  entered(): Promise<void>;
  /** As {@link entered}. Frees the slot of a claim that could not be entered. */
  leave(): Promise<void>;
}

/**
 * Reserves a path, which this process claims by path, among the processes of its group while the group has the lease.
 */
export interface GroupReservation {
  /** Whether no process outside the group has broken the lease. Checks the disk. */
  readonly isIntact: boolean;
  /** Frees the path for the other processes of the group. */
  free(): void;
}

/** Reserves a path by its link for as long as the claim by path lasts. */
export function reserveInGroup(lease: Lease, links: TermLinks, key: string): GroupReservation {
  return {
    get isIntact() {
      return lease.isIntact;
    },
    free() {
      try {
        links.free(key);
      } catch {
        // Claims by path do not depend on the links.
        lease.break();
      }
    },
  };
}
