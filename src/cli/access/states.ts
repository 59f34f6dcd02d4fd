/**
 * Describes the states of the client in one line each.
 * @module
 */

import type { AppendState, FollowState, RetryingState } from "../../client/mod.ts";
import { sentence } from "../common/error-line.ts";

/** Describes the states of one command. Undefined for a state that the end of the command describes well enough. */
export type StateFormatter<State> = (state: State) => string | undefined;

/**
 * Creates the narrator of an append.
 *
 * @param url The URL to display.
 * @param what The name of the input to display.
 * @param resumed Whether an earlier run began the append.
 */
export function appendStateText(url: string, what: string, resumed: boolean): StateFormatter<AppendState> {
  let begun = resumed;
  return (state) => {
    if (state.state !== "open") return unopened(url, state);
    if (begun) return `resuming ${what} to ${url}${state.offset === undefined ? "" : `, at offset ${state.offset}`}`;
    begun = true;
    const classic = state.protocol === "classic" ? ", which this server can't resume" : "";
    const durable = state.protocol === "durable-streams" ? ", over Durable Streams" : "";
    return `appending ${what} to ${url}${classic}${durable}`;
  };
}

/**
 * Creates the narrator of a follow.
 *
 * @param url The URL to display.
 */
export function followStateText(url: string): StateFormatter<FollowState> {
  let begun = false;
  let idle: string | undefined;
  return (state) => {
    if (state.state === "idle") {
      const last = idle;
      idle = waiting(url, state);
      return idle === last ? undefined : idle;
    }
    if (idle !== undefined && isPoll(state)) return undefined;
    idle = undefined;
    if (state.state !== "open") return unopened(url, state);
    const what = state.live ? "following" : "no appender; fetching what is stored at";
    const where = begun && state.offset !== undefined ? `, from offset ${state.offset}` : "";
    const how = state.live && state.transport === "http" ? ", over plain HTTP" : "";
    begun = true;
    return `${what} ${url}${where}${how}`;
  };
}

/** Whether a server that does not know standing follows is asked again, which is not worth a line. */
function isPoll(state: FollowState): boolean {
  return state.state === "connecting" || (state.state === "open" && !state.live);
}

function waiting(url: string, { offset, reason }: Extract<FollowState, { state: "idle" }>): string {
  const where = offset === undefined ? "" : ` at offset ${offset}`;
  const last = reason === "unknown" ? "" : `; the last append: ${reason}`;
  return `waiting for an append to ${url}${where}${last}`;
}

/** The lines that appends and follows share. */
function unopened(
  url: string,
  state: Exclude<AppendState | FollowState, { state: "open" | "idle" }>,
): string | undefined {
  if (state.state === "connecting") return `connecting to ${url}`;
  return state.state === "retrying" ? retrying(state) : undefined;
}

function retrying({ error, delayMs, attempt }: RetryingState): string {
  return `${sentence(error.message)} Trying again in ${(delayMs / 1000).toFixed(1)} s, attempt ${attempt}.`;
}

/**
 * Creates the narrator for commands that are not verbose: one line when an outage begins, and one when it ends.
 *
 * @param url The URL to display.
 * @param retryForMs Milliseconds to retry without progress.
 */
export function outageText(url: string, retryForMs: number): StateFormatter<AppendState | FollowState> {
  let isAway = false;
  return (state) => {
    if (state.state === "retrying" && !isAway) {
      isAway = true;
      return `${sentence(state.error.message)} Trying ${url} again for up to ${Math.round(retryForMs / 1000)} s.`;
    }
    if (state.state !== "open" || !isAway) return undefined;
    isAway = false;
    return `Connected to ${url} again${state.offset === undefined ? "" : `, at offset ${state.offset}`}.`;
  };
}
