/**
 * The types and states of paths, from their notes. The most recent ones are remembered, so the next read of a path
 * reads only newer notes.
 * @module
 */
import { StreamError } from "../../../protocol/errors.ts";
import { RecentMap } from "../connection/recent-map.ts";
import type { Place } from "../layout/layout.ts";
import { decodedNote, NO_STATE, type Note, type PathState, withNote } from "./note.ts";
import { notesOf } from "./record.ts";
import type { Records, StoredRecord } from "./stored.ts";

/** How many paths are remembered. */
const REMEMBERED = 5_000;

/** Most notes that are read one by one. More than any writer leaves between two full notes. */
const MAX_NOTES = 1_000;

interface Known {
  /** The sequence of the record with the last note. */
  readonly last: number;
  readonly state: PathState;
}

/** Reads states. */
export class States {
  readonly #records: Records;
  readonly #known: RecentMap<string, Known> = new RecentMap(REMEMBERED);

  constructor(records: Records) {
    this.#records = records;
  }

  /**
   * The state of a path after a record.
   *
   * @throws {StreamError} `changed` if a note is missing; what reading throws.
   */
  async after(place: Place, stored: StoredRecord): Promise<PathState> {
    const { full, last } = notesOf(stored.record);
    if (full === 0) return NO_STATE;
    const known = this.#known.get(place.subject);
    if (known?.last === last) return known.state;
    const notes: Note[] = [];
    let state: PathState = NO_STATE;
    let at = stored.record.seq === last ? stored : await this.#records.at(place, last);
    for (;;) {
      if (notes.length > MAX_NOTES) throw unreadable(place.path);
      notes.push(await this.#noteIn(place, at));
      if (at.record.isFullNote) break;
      const before = at.record.notes?.last ?? 0;
      if (known?.last === before) {
        state = known.state;
        break;
      }
      at = await this.#records.at(place, before);
    }
    state = notes.reduceRight(withNote, state);
    this.remember(place, last, state);
    return state;
  }

  /** Remembers the state after a record with a note. */
  remember({ subject }: Place, last: number, state: PathState): void {
    this.#known.set(subject, { last, state });
  }

  async #noteIn(place: Place, stored: StoredRecord): Promise<Note> {
    const { isFullNote = false } = stored.record;
    const note = decodedNote(await this.#records.noteBytesOf(place, stored), isFullNote);
    if (!note) throw unreadable(place.path);
    return note;
  }
}

function unreadable(path: string): StreamError {
  return new StreamError("changed", `What is on record about "/${path}" can't be read.`, { path });
}
