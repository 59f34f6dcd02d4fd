/**
 * What is kept about streams beside their records: that they are streams, their tombstones, their forks, their last use.
 * @module
 */
import { randomUUID } from "node:crypto";
import type { StreamState } from "../../../engine/storage/stream-state.ts";
import type { Layout } from "../layout/layout.ts";
import type { Values } from "./values.ts";

/** What is kept about one path. */
interface StreamNote {
  readonly path: string;
  /** Whether the path is a stream. It is noted before its first state is stored, so it may not be one. */
  readonly isStream?: boolean;
  /** The tombstone of a stream that was removed. */
  readonly tombstone?: StreamState;
  /** The tombstone that counts if the path is gone. */
  readonly announced?: StreamState;
}

/** The notes of one installation. */
export class StreamNotes {
  readonly #layout: Layout;
  readonly #values: Values;

  constructor(layout: Layout, values: Values) {
    this.#layout = layout;
    this.#values = values;
  }

  /** Notes that a path becomes a stream, before its first state is stored. */
  async begin(path: string): Promise<void> {
    await this.#change(path, (note) => (note?.isStream ? undefined : { ...note, path, isStream: true }));
  }

  /** Notes that a path was removed. Its tombstone stays. */
  async end(path: string): Promise<void> {
    let wasStream = false;
    await this.#change(path, (note) => {
      wasStream = note?.isStream ?? false;
      return note && withoutStream(note);
    });
    if (wasStream) await this.#values.drop(this.#layout.about("use", path), path);
  }

  /** Sets the tombstone that counts once the path is gone; undefined for none. */
  async prepareTombstone(path: string, tombstone: StreamState | undefined): Promise<void> {
    await this.#change(path, (note) => {
      const { announced: _, ...rest } = note ?? { path };
      return tombstone ? { ...rest, announced: tombstone } : orNothing(rest);
    });
  }

  /** Leaves a tombstone. */
  async writeTombstone(path: string, tombstone: StreamState): Promise<void> {
    await this.#change(path, () => ({ path, tombstone }));
  }

  /** Removes a tombstone. */
  async forget(path: string): Promise<void> {
    await this.#change(path, (note) => note && orNothing({ path, ...(note.isStream && { isStream: true }) }));
  }

  /** The tombstone of a path that does not exist; undefined if there is none. */
  async tombstone(path: string): Promise<StreamState | undefined> {
    const found = await this.#values.find<StreamNote | null>(this.#layout.about("ds", path), path);
    return found?.value?.tombstone ?? found?.value?.announced;
  }

  /** The paths that are noted: streams, and tombstones. */
  async paths(): Promise<string[]> {
    const all = await this.#values.list<StreamNote | null>(this.#layout.aboutAll("ds"), "");
    return all.flatMap((note) => (note ? [note.path] : []));
  }

  /** Notes that a path is a fork of another one. */
  async addFork(source: string, fork: string): Promise<void> {
    await this.#values.set(this.#layout.fork(source, fork), source, { fork });
  }

  /** Removes that note. */
  async removeFork(source: string, fork: string): Promise<void> {
    await this.#values.drop(this.#layout.fork(source, fork), source);
  }

  /** The paths that were noted as forks of a path. */
  async forksOf(source: string): Promise<string[]> {
    const all = await this.#values.list<{ readonly fork: string }>(this.#layout.fork(source), source);
    return all.map(({ fork }) => fork);
  }

  /** Notes that a stream was used. */
  async renew(path: string): Promise<void> {
    await this.#values.set(this.#layout.about("use", path), path, { use: randomUUID() });
  }

  /** A text that changes with each use; undefined before the first. */
  async renewal(path: string): Promise<string | undefined> {
    return (await this.#values.find<{ readonly use: string }>(this.#layout.about("use", path), path))?.value.use;
  }

  async #change(path: string, change: (note: StreamNote | undefined) => StreamNote | null | undefined): Promise<void> {
    await this.#values.change<StreamNote>(this.#layout.about("ds", path), path, change);
  }
}

function withoutStream({ isStream: _, ...rest }: StreamNote): StreamNote | null {
  return orNothing(rest);
}

/** A note; `null` if it says nothing. */
function orNothing(note: StreamNote): StreamNote | null {
  return note.isStream || note.tombstone || note.announced ? note : null;
}
