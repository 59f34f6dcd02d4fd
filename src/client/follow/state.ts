/**
 * What a follow shows of itself.
 * @module
 */

import type { EndedReason } from "../../protocol/end-reason.ts";
import type { StreamError } from "../../protocol/errors.ts";
import type { RetryingState } from "../retry/reconnector.ts";

/** How a follow ended. */
export interface FollowEnd {
  /**
   * `complete`: the appender ended on purpose. `lost`: it vanished and did not come back. `failed`: the server
   * could not store it. `limit`: a limit of the server was reached. `deleted`: the resource was removed. `replaced`: its
   * content was replaced or cut short. `unknown`: nobody is appending any more and everything stored was read; how the last
   * append ended is not on record, or not known to a classic server.
   */
  readonly reason: EndedReason;
  /** The offset just past the last byte; nothing where a classic server leaves that open. */
  readonly offset: number | undefined;
}

/** What a follow is about. `offset` is that of the next byte, as far as it is known. */
export type FollowState =
  /** It asks for a connection. */
  | { readonly state: "connecting" }
  /** Bytes come. `live`: somebody is appending, and more may come; else what is stored is all there is. */
  | {
      readonly state: "open";
      readonly transport: "websocket" | "http";
      readonly live: boolean;
      readonly offset: number | undefined;
    }
  /** The connection is gone; it will try again. */
  | RetryingState
  /** It is over, and the stream closes. */
  | ({ readonly state: "ended" } & FollowEnd)
  /** It is over, and the stream errors. */
  | {
      readonly state: "ended";
      readonly reason: "failed";
      readonly error: StreamError;
      readonly offset: number | undefined;
    };
