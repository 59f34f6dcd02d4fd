/**
 * What the parts of one follow share.
 * @module
 */

import type { EndedReason } from "../../protocol/end-reason.ts";
import type { StreamError } from "../../protocol/errors.ts";
import type { Environment } from "../connection/environment.ts";
import type { Target } from "../connection/target.ts";
import type { Reconnector } from "../retry/reconnector.ts";
import type { FollowPosition } from "./position.ts";
import type { FollowState } from "./state.ts";

/** One follow. */
export interface FollowTask {
  readonly environment: Environment;
  readonly target: Target;
  readonly position: FollowPosition;
  readonly reconnector: Reconnector;
  /** Ends everything. */
  readonly signal: AbortSignal;
  report(state: FollowState): void;
}

/** What one connection came to. */
export type FollowOutcome =
  /** This is all. */
  | { readonly type: "ended"; readonly reason: EndedReason }
  /** The server has nothing against the next request coming at once. */
  | { readonly type: "turn"; readonly progressed: boolean }
  /** It can't go on over a WebSocket, but over plain HTTP. */
  | { readonly type: "http"; readonly error: StreamError }
  /** It broke. */
  | { readonly type: "lost"; readonly error: StreamError };

/** The bytes of one connection, and what it came to. */
export type FollowBytes = AsyncGenerator<Uint8Array, FollowOutcome, void>;
