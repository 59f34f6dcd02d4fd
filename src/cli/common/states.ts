/**
 * What the client is about, in one line each.
 * @module
 */

import type { AppendState, FollowState, RetryingState } from "../../client/mod.ts";
import { sentence } from "./complaint.ts";

/** Puts the states of one command into words; nothing where the command's end says it all. */
export type Narrator<State> = (state: State) => string | undefined;

/**
 * The words for an append.
 *
 * @param url Where to.
 * @param what What is appended, for people.
 * @param resumed Whether an earlier run has begun it.
 */
export function appendNarrator(url: string, what: string, resumed: boolean): Narrator<AppendState> {
  let begun = resumed;
  return (state) => {
    if (state.state !== "open") return unopened(url, state);
    if (begun) return `going on with ${what} to ${url}, at offset ${state.offset}`;
    begun = true;
    const classic = state.protocol === "classic" ? ", which can't be resumed at this server" : "";
    return `appending ${what} to ${url}${classic}`;
  };
}

/**
 * The words for a follow.
 *
 * @param url What is followed.
 */
export function followNarrator(url: string): Narrator<FollowState> {
  let begun = false;
  return (state) => {
    if (state.state !== "open") return unopened(url, state);
    const what = state.live ? "following" : "nobody is appending; fetching what is stored at";
    const where = begun && state.offset !== undefined ? `, from offset ${state.offset}` : "";
    const how = state.live && state.transport === "http" ? ", over plain HTTP" : "";
    begun = true;
    return `${what} ${url}${where}${how}`;
  };
}

/** What appends and follows say in the same words. */
function unopened(url: string, state: Exclude<AppendState | FollowState, { state: "open" }>): string | undefined {
  if (state.state === "connecting") return `connecting to ${url}`;
  return state.state === "retrying" ? retrying(state) : undefined;
}

function retrying({ error, delayMs, attempt }: RetryingState): string {
  return `${sentence(error.message)} Trying again in ${(delayMs / 1000).toFixed(1)} s, attempt ${attempt}.`;
}

/**
 * The words for those who did not ask for any: one line when an outage begins, and one when it is over.
 *
 * @param url What is appended to or followed.
 * @param retryForMs How long it is tried again, without progress.
 */
export function outageNarrator(url: string, retryForMs: number): Narrator<AppendState | FollowState> {
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
