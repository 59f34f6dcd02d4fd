/**
 * The retry policy as a pure state machine: events come in, actions go out. It uses no clock, randomness or network.
 * @module
 */
import type { ErrorCode, StreamError } from "../../protocol/errors.ts";
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  FORMER_UNANSWERED,
  RESTART_SPREAD_MS,
  STEADY_MS,
  UNANSWERED_MS,
} from "../connection/limits.ts";
import { TokenLapse } from "../connection/token-lapse.ts";

/** The refusals that pass by themselves. */
const TEMPORARY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["restarting", "unavailable", "overloaded", "busy", "too_many"] as const),
]);

/** How long and when to retry. */
export interface RetryPolicy {
  /** Milliseconds without progress after which the client gives up. 0 disables retries. */
  readonly retryForMs: number;
  /** Whether to keep retrying if no attempt has ever reached a server at this URL. */
  readonly retryFirst: boolean;
  /** Whether each attempt gets a new token. Default false. */
  readonly renewsToken?: boolean;
}

/** The state of the reconnect state machine. */
export interface ReconnectState {
  /** In `waiting`, the next attempt is scheduled. */
  readonly phase: "connecting" | "open" | "waiting" | "ended";
  /** Consecutive failures without progress in between. */
  readonly failures: number;
  /** When progress was last made, or when the first attempt began, in milliseconds of the clock. */
  readonly sinceMs: number;
  /** When the current connection was opened, in milliseconds of the clock. */
  readonly openedMs: number;
  /** Whether this connection has made progress. */
  readonly progressed: boolean;
  /**
   * Whether a server has ever accepted a connection. If so, the URL is correct, and an earlier connection of this
   * client may hold the path.
   */
  readonly reached: boolean;
  /** Whether a connection was ever open; see the event `opened`. */
  readonly begun: boolean;
  /** Whether the append resumes a session that an earlier run began. That session holds the path. */
  readonly resuming: boolean;
  /**
   * Abandoned attempts that presented the session and got no answer. Each may still reach a server late and fence off
   * the connection that replaced it.
   */
  readonly unanswered: number;
  /** When the last of them was abandoned, in milliseconds of the clock. */
  readonly unansweredMs: number;
}

/** The events. `chance` is a random number in [0, 1). */
export type ReconnectEvent =
  /** The server accepted a connection. */
  | { readonly type: "reached" }
  /** The connection is open: the server sent `start`, or began to send bytes where the protocol has no `start`. */
  | { readonly type: "opened"; readonly nowMs: number }
  /** Bytes were received or acknowledged. */
  | { readonly type: "progressed" }
  /** An attempt failed, or the connection broke. */
  | { readonly type: "lost"; readonly error: StreamError; readonly nowMs: number; readonly chance: number }
  /** The delay before the next attempt is over. */
  | { readonly type: "due" };

/** The actions that the caller has to perform. */
export type ReconnectAction =
  | { readonly type: "wait"; readonly delayMs: number; readonly attempt: number; readonly error: StreamError }
  | { readonly type: "give up"; readonly error: StreamError };

/** The initial state: the first attempt is in progress. */
export function beginning(nowMs: number, resuming: boolean): ReconnectState {
  return {
    phase: "connecting",
    failures: 0,
    sinceMs: nowMs,
    openedMs: nowMs,
    progressed: false,
    reached: false,
    begun: false,
    resuming,
    unanswered: resuming ? FORMER_UNANSWERED : 0,
    unansweredMs: nowMs,
  };
}

/**
 * Applies one event. Returns the next state and the action to perform, if any. Events that do not apply to the current
 * phase change nothing.
 *
 * @example
 * ```ts
 * const [next, action] = step(state, { type: "due" }, { retryForMs: 120_000, retryFirst: false });
 * ```
 */
export function step(
  state: ReconnectState,
  event: ReconnectEvent,
  policy: RetryPolicy,
): readonly [ReconnectState, ReconnectAction | undefined] {
  const { phase } = state;
  switch (event.type) {
    case "reached":
      return [phase === "connecting" && !state.reached ? { ...state, reached: true } : state, undefined];
    case "opened":
      if (phase !== "connecting" && phase !== "open") return [state, undefined];
      return [{ ...state, phase: "open", openedMs: event.nowMs, progressed: false, begun: true }, undefined];
    case "progressed":
      return [phase === "open" && !state.progressed ? { ...state, progressed: true } : state, undefined];
    case "lost":
      return phase === "connecting" || phase === "open" ? lost(state, event, policy) : [state, undefined];
    case "due":
      return [phase === "waiting" ? { ...state, phase: "connecting" } : state, undefined];
  }
}

function lost(
  before: ReconnectState,
  { error, nowMs, chance }: Extract<ReconnectEvent, { type: "lost" }>,
  policy: RetryPolicy,
): readonly [ReconnectState, ReconnectAction] {
  const unanswered = nowMs - before.unansweredMs <= UNANSWERED_MS ? before.unanswered : 0;
  const state = { ...before, unanswered, ...(madeProgress(before, nowMs) && { failures: 0, sinceMs: nowMs }) };
  const failures = state.failures + 1;
  const leftMs = state.sinceMs + policy.retryForMs - nowMs;
  const serverMs = retryAfterMs(error);
  if (!isTemporary(error, state, policy) || leftMs <= 0 || (serverMs ?? 0) > leftMs) {
    return [
      { ...state, phase: "ended" },
      { type: "give up", error },
    ];
  }
  const delayMs = Math.min((serverMs ?? 0) + chance * spreadMs(error, failures), leftMs);
  return [
    { ...state, ...unansweredAfter(state, error, nowMs), phase: "waiting", failures, progressed: false },
    { type: "wait", delayMs, attempt: failures, error },
  ];
}

/** Counts abandoned attempts: one more if this attempt got no answer, one fewer if an abandoned one fenced this one. */
function unansweredAfter(
  { phase, begun, resuming, unanswered, unansweredMs }: ReconnectState,
  { code }: StreamError,
  nowMs: number,
): Pick<ReconnectState, "unanswered" | "unansweredMs"> {
  const isAbandoned = code === "unreachable" && phase === "connecting";
  if (isAbandoned && (begun || resuming)) return { unanswered: unanswered + 1, unansweredMs: nowMs };
  return { unanswered: code === "fenced" ? unanswered - 1 : unanswered, unansweredMs };
}

/** Whether the connection was useful, so that the failure count starts over. */
function madeProgress({ phase, progressed, openedMs }: ReconnectState, nowMs: number): boolean {
  return phase === "open" && (progressed || nowMs - openedMs >= STEADY_MS);
}

/** Whether the error is temporary, so that another attempt may succeed. */
function isTemporary(error: StreamError, state: ReconnectState, { retryFirst, renewsToken }: RetryPolicy): boolean {
  const { code, headers } = error;
  if (error instanceof TokenLapse) return renewsToken === true && state.reached;
  if (TEMPORARY.has(code)) return true;
  if (code === "unreachable") return state.reached || retryFirst;
  // An older attempt of this client probably took over, rather than another process with the same session.
  if (code === "fenced") return state.unanswered > 0;
  // The path is held temporarily: during a grace period or handover, or by a connection of this append that broke
  // before the client learned its session.
  const { reached, begun, resuming } = state;
  return code === "conflict" && ("retry-after" in headers ? reached || resuming : reached && !begun);
}

/**
 * The upper bound of the delay, for full jitter. It doubles with every failure. The first delay after a restart, or after
 * an outage of the store, is spread wider because all clients of the server reconnect at once.
 */
function spreadMs({ code }: StreamError, failures: number): number {
  if ((code === "restarting" || code === "unavailable") && failures === 1) return RESTART_SPREAD_MS;
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
}

/** The `Retry-After` header in milliseconds. Dates are ignored because they would depend on the clock of the client. */
function retryAfterMs({ headers }: StreamError): number | undefined {
  const seconds = headers["retry-after"];
  return seconds !== undefined && /^\d{1,9}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}
