/**
 * When to connect again and when to give up: a pure state machine. It knows neither clock nor chance nor network. What
 * happens comes in as events, what is to be done goes out as actions.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MOST_MS,
  FORMER_STRAYS,
  RESTART_SPREAD_MS,
  STEADY_MS,
  STRAY_MS,
} from "../connection/limits.ts";

/** How persistent to be. */
export interface RetryPolicy {
  /** Milliseconds without progress after which it gives up; 0 for never trying again. */
  readonly retryForMs: number;
  /** Whether to try again although nobody was ever reached at this URL. */
  readonly retryFirst: boolean;
}

/** Where it stands. */
export interface ReconnectState {
  /** `waiting` is for the next attempt. */
  readonly phase: "connecting" | "open" | "waiting" | "ended";
  /** Failures in a row, without progress in between. */
  readonly failures: number;
  /** When the last progress was, or the beginning. */
  readonly sinceMs: number;
  /** When the connection was opened. */
  readonly openedMs: number;
  /** Whether there was progress on this connection. */
  readonly progressed: boolean;
  /** Whether a WebSocket was ever granted: the URL is right, and the path may be taken in our own name. */
  readonly reached: boolean;
  /** Whether a server has ever said `start`. */
  readonly begun: boolean;
  /** Whether it is about something that was begun before, in whose name the path is taken. */
  readonly resuming: boolean;
  /**
   * Attempts in our own name that were given up without an answer. Each may still reach a server, late, and supersede
   * the connection that was made after it.
   */
  readonly strays: number;
  /** When the last of them was given up. */
  readonly strayMs: number;
}

/** What happens. `chance` is a random number from 0 up to 1. */
export type ReconnectEvent =
  /** The server has granted a connection. */
  | { readonly type: "reached" }
  /** The server has said `start`. */
  | { readonly type: "opened"; readonly nowMs: number }
  /** Bytes have come, or have been acknowledged. */
  | { readonly type: "progressed" }
  /** An attempt failed, or the connection broke. */
  | { readonly type: "lost"; readonly error: StreamError; readonly nowMs: number; readonly chance: number }
  /** The time to wait is over. */
  | { readonly type: "due" }
  /** It is over, well or by the caller's wish. */
  | { readonly type: "ended" };

/** What is to be done. */
export type ReconnectAction =
  | { readonly type: "connect" }
  | { readonly type: "wait"; readonly delayMs: number; readonly attempt: number; readonly error: StreamError }
  | { readonly type: "give up"; readonly error: StreamError };

/** The state to begin with: an attempt is under way. */
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
    strays: resuming ? FORMER_STRAYS : 0,
    strayMs: nowMs,
  };
}

/** One step: the next state, and what is to be done. Events that make no sense in a state change nothing. */
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
      return phase === "waiting" ? [{ ...state, phase: "connecting" }, { type: "connect" }] : [state, undefined];
    case "ended":
      return [phase === "ended" ? state : { ...state, phase: "ended" }, undefined];
  }
}

function lost(
  before: ReconnectState,
  { error, nowMs, chance }: Extract<ReconnectEvent, { type: "lost" }>,
  policy: RetryPolicy,
): readonly [ReconnectState, ReconnectAction] {
  const strays = nowMs - before.strayMs <= STRAY_MS ? before.strays : 0;
  const state = { ...before, strays, ...(wentWell(before, nowMs) && { failures: 0, sinceMs: nowMs }) };
  const failures = state.failures + 1;
  const leftMs = state.sinceMs + policy.retryForMs - nowMs;
  const serverMs = retryAfterMs(error);
  if (!isPassing(error, state, policy) || leftMs <= 0 || (serverMs ?? 0) > leftMs) {
    return [
      { ...state, phase: "ended" },
      { type: "give up", error },
    ];
  }
  const delayMs = Math.min((serverMs ?? 0) + chance * spreadMs(error, failures), leftMs);
  return [
    { ...state, ...straysAfter(state, error, nowMs), phase: "waiting", failures, progressed: false },
    { type: "wait", delayMs, attempt: failures, error },
  ];
}

/** What is underway without us: one more that was given up unanswered, or one less that has shown itself. */
function straysAfter(
  { phase, begun, resuming, strays, strayMs }: ReconnectState,
  { code }: StreamError,
  nowMs: number,
): Pick<ReconnectState, "strays" | "strayMs"> {
  const unanswered = code === "unreachable" && phase === "connecting";
  if (unanswered && (begun || resuming)) return { strays: strays + 1, strayMs: nowMs };
  return { strays: code === "fenced" ? strays - 1 : strays, strayMs };
}

/** Whether the connection was good for something, so that the count begins anew. */
function wentWell({ phase, progressed, openedMs }: ReconnectState, nowMs: number): boolean {
  return phase === "open" && (progressed || nowMs - openedMs >= STEADY_MS);
}

/** Whether it may be different next time. */
function isPassing({ code, headers }: StreamError, state: ReconnectState, { retryFirst }: RetryPolicy): boolean {
  if (code === "restarting" || code === "overloaded") return true;
  if (code === "unreachable") return state.reached || retryFirst;
  // By an older attempt of our own, as it seems, and not by somebody else who has our session.
  if (code === "fenced") return state.strays > 0;
  // Taken, but for a while only: by this very append, in a process that has gone, or on a connection that was lost
  // before its session became known here.
  const { reached, begun, resuming } = state;
  return code === "conflict" && ("retry-after" in headers ? reached || resuming : reached && !begun);
}

/** Full jitter: any time up to this, which doubles with every failure. A restart sets a whole crowd free at once. */
function spreadMs({ code }: StreamError, failures: number): number {
  if (code === "restarting" && failures === 1) return RESTART_SPREAD_MS;
  return Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1));
}

/** What the server asks for, in seconds. The other form of the header, a date, is left to the clocks of browsers. */
function retryAfterMs({ headers }: StreamError): number | undefined {
  const seconds = headers["retry-after"];
  return seconds !== undefined && /^\d{1,9}$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}
