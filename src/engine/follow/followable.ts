/**
 * What followers follow, whether it is appended to in this process or in another one.
 * @module
 */
import type { EndReason } from "../../protocol/end-reason.ts";
import type { Broadcast } from "./broadcast.ts";

/** Where and how a channel ended. */
export interface Outcome {
  /** The size of the path: followers get every byte before it. */
  readonly size: number;
  readonly reason: EndReason;
}

/** What can be followed: a path somewhere on its way to its end. */
export interface Followable {
  readonly path: string;
  /** The content; see {@link StoreStat.generation}. */
  readonly generation: string;
  /** The media type that an appender gave. */
  readonly type?: string | undefined;
  /** The offset just past the last stored byte. */
  readonly size: number;
  /** The followers at the tail. */
  readonly broadcast: Broadcast;
  /** Set once it has ended. */
  readonly outcome: Outcome | undefined;
}
