/**
 * Notes: what a record says about the type and the state of its path, before its bytes.
 * @module
 */
import type { StreamChange, StreamState } from "../../../engine/storage/stream-state.ts";
import { changedState } from "../../../engine/storage/stream-state.ts";

/** What is on record about a path, beyond its bytes. */
export interface PathState {
  /** The media type that an appender gave. */
  readonly type: string | undefined;
  /** The state, if the path is a stream. */
  readonly stream: StreamState | undefined;
}

/** Nothing is on record. */
export const NO_STATE: PathState = { type: undefined, stream: undefined };

/** A note: all of the state, or a change of it. */
export type Note = { readonly all: PathState } | { readonly change: StreamChange };

/** Most changes before all of the state is noted again: a reader that knows nothing reads them one by one. */
const MAX_CHANGES = 32;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Encodes a note. */
export function encodedNote(note: Note): Uint8Array {
  return encoder.encode(JSON.stringify(note));
}

/**
 * Decodes a note; undefined for anything else.
 *
 * @param isFull Whether the record marks the note as full.
 */
export function decodedNote(bytes: Uint8Array, isFull: boolean): Note | undefined {
  try {
    const { all, change } = JSON.parse(decoder.decode(bytes)) as { all?: Partial<PathState>; change?: StreamChange };
    if (isFull && all) return { all: { type: all.type, stream: all.stream } };
    return !isFull && change ? { change } : undefined;
  } catch {
    return undefined;
  }
}

/** The state after a note. */
export function withNote(state: PathState, note: Note): PathState {
  return "all" in note ? note.all : { ...state, stream: changedState(state.stream, note.change) };
}

/**
 * The note for a change: the change alone, unless there were many since all of the state was noted.
 *
 * @param changes How many; undefined if nothing is noted.
 */
export function noteFor(before: PathState, change: StreamChange, changes: number | undefined): Note {
  const note = { change };
  return changes === undefined || changes >= MAX_CHANGES ? { all: withNote(before, note) } : note;
}
