/**
 * What a claim by the lease of the whole root, and the lease, are to each other.
 * @module
 */
import type { SlotState } from "./lease-files.ts";

/** A claim by the lease. */
export interface LeasedClaim {
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
