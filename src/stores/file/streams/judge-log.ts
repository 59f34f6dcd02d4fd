/**
 * Compares a log with its file, which programs and power cuts may have changed.
 * @module
 */
import { changedState, type StreamState } from "../../../engine/storage/stream-state.ts";
import type { LoggedStream } from "./log-lines.ts";

/** A stream as readers see it. */
export interface SeenStream {
  /** Undefined for a plain file. */
  readonly state: StreamState | undefined;
  /** Bytes of the file that count. */
  readonly size: number;
}

/**
 * Judges a log by the size and the generation of its file.
 *
 * The bytes of the last write may be missing, or only some of them there: then the process has died, or is about to write
 * them, and the write does not count. If the file has other content, everything about the old one is forgotten.
 */
export function judgeLog(logged: LoggedStream, size: number, generation: string): SeenStream {
  const { last, state } = logged;
  // A file that was put where a tombstone is.
  if (state?.deleted) return { state: undefined, size };
  if (logged.generation !== generation) return { state: state && forgetful(state), size };
  if (!last) return { state, size };
  if (size >= last.to) return { state: changedState(state, last.change), size };
  return { state, size: Math.min(size, last.from) };
}

/**
 * The state of a stream whose content another program has replaced. The type and the creation belong to the path. It does
 * not expire any more: only bytes that came through us are ever removed.
 */
function forgetful({ created, type, incomplete }: StreamState): StreamState | undefined {
  if (incomplete) return undefined;
  return { created, producers: {}, ...(type !== undefined && { type }) };
}
