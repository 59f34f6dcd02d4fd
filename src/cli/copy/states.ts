/**
 * Compares what two stores have on record about a path, besides its bytes.
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import type { StoreStat } from "../../engine/storage/store.ts";
import type { StreamChange, StreamState } from "../../engine/storage/stream-state.ts";

/** Whether two states are the same. */
export function isSameState(one: StreamState | undefined, other: StreamState | undefined): boolean {
  return isDeepStrictEqual(plain(one), plain(other));
}

/**
 * The change that turns one state into another one, as far as a change can: it forgets producers, but undoes nothing
 * else.
 *
 * @returns undefined if there is nothing to change.
 */
export function changeTo(wanted: StreamState | undefined, present: StreamState | undefined): StreamChange | undefined {
  if (!wanted || isSameState(wanted, present)) return undefined;
  const forgotten = Object.keys(present?.producers ?? {}).filter((id) => !Object.hasOwn(wanted.producers, id));
  return { ...wanted, ...(forgotten.length > 0 && { forgotten }) };
}

/** Whether the type, the state and the end of a path are on record as in the source, where no append is open. */
export function isSameRecord(source: StoreStat, copy: StoreStat): boolean {
  const isSameType = source.type === undefined || source.type === copy.type;
  const { ended = "unknown" } = source;
  return isSameType && isSameState(source.stream, copy.stream) && (ended === "unknown" || ended === copy.ended);
}

/** A state as JSON has it: members that are not set, and those that a finished fork has left, do not count. */
function plain(state: StreamState | undefined): unknown {
  if (!state) return undefined;
  const { incomplete: _, ...rest } = state;
  return JSON.parse(JSON.stringify(rest));
}
