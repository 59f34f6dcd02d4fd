/**
 * What a follower follows: an append in this process or in another one.
 * @module
 */
import type { EndReason } from "../../protocol/end-reason.ts";
import type { Broadcast } from "./broadcast.ts";

/** The final size of a path, and why its append ended. */
export interface Outcome {
  /** The size of the path in bytes; followers get every byte before it. */
  readonly size: number;
  readonly reason: EndReason;
}

/** An append that can be followed. */
export interface Followable {
  readonly path: string;
  /** The generation of the content; see {@link StoreStat.generation}. */
  readonly generation: string;
  /** The media type that an appender gave, if any. */
  readonly type?: string | undefined;
  /** The offset just past the last stored byte. */
  readonly size: number;
  /** The final size of a stream that is closed, as far as it is known: no byte comes behind it. */
  readonly finalSize?: number | undefined;
  /** The followers at the tail. */
  readonly broadcast: Broadcast;
  /** Set once the append has ended. */
  readonly outcome: Outcome | undefined;
}
