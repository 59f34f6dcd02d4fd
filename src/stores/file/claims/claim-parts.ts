/**
 * The parts of a claim.
 * @module
 */
import type { Stats } from "node:fs";
import type { Reserved } from "../reserved/layout.ts";
import type { Owner } from "./owner.ts";
import type { RootLease } from "./root-lease.ts";

/** What to claim, and for which owner. */
export interface ClaimParts {
  readonly reserved: Reserved;
  readonly owner: Owner;
  /** The lease of the whole root. Default: every claim is by path. */
  readonly lease?: RootLease | undefined;
  /** The real location of the file. */
  readonly file: string;
  /** The resource path, for messages. */
  readonly path: string;
  /**
   * Called once the path is available, before anything of a former owner is touched, and again after a takeover. An
   * error ends the claim.
   */
  readonly check?: (() => Promise<void>) | undefined;
  /** Called before a takeover replaces the file by a copy, with the stats of both. */
  readonly onCopy?: ((former: Stats, copy: Stats) => void) | undefined;
  /** Whether the claim is cached between many short appends; noted in its entry or slot. Default false. */
  readonly isKept?: boolean;
  /** Milliseconds for which a silent owner keeps the path after its lease. */
  readonly extraLeaseMs: number;
}
