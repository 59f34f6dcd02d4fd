/**
 * The states and the result of a follow.
 * @module
 */

import type { EndedReason } from "../../protocol/end-reason.ts";
import type { StreamError } from "../../protocol/errors.ts";
import type { RetryingState } from "../retry/reconnector.ts";

/** How a follow ended. */
export interface FollowEnd {
  /**
   * `complete`: the appender ended the append. `lost`: the appender disconnected and did not come back in time.
   * `failed`: the server could not store the append. `limit`: a limit of the server was reached. `deleted`: the
   * resource was removed. `replaced`: its content was replaced or truncated. `unknown`: there is no appender and all
   * stored bytes were read, but the end of the last append is not on record, or the server is a classic one.
   */
  readonly reason: EndedReason;
  /** The offset just past the last byte; undefined if a classic server does not reveal it. */
  readonly offset: number | undefined;
}

/** The state of a follow. `offset` is the offset of the next byte, if known. */
export type FollowState =
  /** The client is connecting. */
  | { readonly state: "connecting" }
  /**
   * Bytes are arriving. `live` is true if there is an appender, so more may come; otherwise only stored bytes are read.
   */
  | {
      readonly state: "open";
      readonly transport: "websocket" | "http";
      readonly live: boolean;
      readonly offset: number | undefined;
    }
  /**
   * With the option `stay` only: nothing is appended at present, and the follow waits. `reason` says how the last append
   * ended. `open` follows when the next append begins. Over plain HTTP, servers do not report this.
   */
  | { readonly state: "idle"; readonly offset: number | undefined; readonly reason: EndedReason }
  /** The connection broke, and the client will retry. */
  | RetryingState
  /** The follow ended, and the stream closes. */
  | ({ readonly state: "ended" } & FollowEnd)
  /** The follow failed, and the stream errors. */
  | {
      readonly state: "ended";
      readonly reason: "failed";
      readonly error: StreamError;
      readonly offset: number | undefined;
    };
