/**
 * The state that the parts of one follow share.
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
  /** Aborts the whole follow. */
  readonly signal: AbortSignal;
  report(state: FollowState): void;
}

/** The outcome of one connection. */
export type FollowOutcome =
  /** The append has ended. With `isFinal`, the server will never have more. */
  | { readonly type: "ended"; readonly reason: EndedReason; readonly isFinal?: boolean }
  /** A live response ended, and the client may send the next request at once. */
  | { readonly type: "turn"; readonly progressed: boolean }
  /** The server supports only Durable Streams. */
  | { readonly type: "durable" }
  /** The WebSocket cannot continue, but plain HTTP can. */
  | { readonly type: "http"; readonly error: StreamError }
  /** The connection broke. */
  | { readonly type: "lost"; readonly error: StreamError };

/** Yields the bytes of a follow, and returns why it ended. */
export interface FollowRun {
  run(): AsyncGenerator<Uint8Array, EndedReason, void>;
}

/** Yields the bytes of one connection and returns its outcome. */
export type FollowBytes = AsyncGenerator<Uint8Array, FollowOutcome, void>;
