/**
 * One follow as a connection runs it, whatever it follows.
 * @module
 */
import type { EndedReason } from "../../protocol/end-reason.ts";
import type { StoreStat } from "../storage/store.ts";
import type { FollowEnd, Sink } from "./follower.ts";

/** What is known of the content when the follow begins. */
export type FollowedContent = Pick<StoreStat, "size" | "generation" | "appending" | "ended" | "type" | "stream">;

/** What a connection accepts, and the notices that it gets besides the bytes. */
export interface FollowListener {
  /** Whether it needs text frames, which must end on character boundaries. */
  readonly text: boolean;
  /** Standing follows only: a path that did not exist has begun, or its first content was replaced by another one. */
  started?(offset: number, generation: string): void;
  /**
   * Standing follows only: everything before `offset` was sent, and an append has ended, or there is none. Called again
   * when either of them changes.
   */
  idle?(offset: number, reason: EndedReason): void;
}

/** A follow of one path, which begins when {@link run} is called. */
export interface Follow {
  /** The offset of the first byte. */
  readonly start: number;
  /** The content at the start. */
  readonly content: FollowedContent;
  /** The offset just past the last byte sent. */
  readonly offset: number;
  /** Standing follows only: whether it has sent all of a stream that is closed. */
  readonly isClosed?: boolean;
  /**
   * Sends every byte from the start on to `sink`, exactly once, and resolves with how the follow ended. Call it once.
   *
   * @throws {StreamError} if the store can no longer be read.
   */
  run(sink: Sink, listener: FollowListener): Promise<FollowEnd>;
  /** Ends the follow, since the connection has closed. */
  stop(): void;
  /** Releases what the follow holds. Call it when {@link run} has settled, or will not be called. */
  leave(): void;
}
