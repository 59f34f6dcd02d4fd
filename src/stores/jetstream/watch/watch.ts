/**
 * Follows the append of another node, from one owner of the path to the next, until it has ended.
 * @module
 */
import type { AppendUpdate } from "../../../engine/storage/store.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { StreamError } from "../../../protocol/errors.ts";
import type { Core } from "../claims/core.ts";
import { askOwner, type Looks } from "../claims/look.ts";
import { pause } from "../connection/pause.ts";
import type { Place } from "../layout/layout.ts";
import { Chain } from "../records/chain.ts";
import { decodedNote, type Note } from "../records/note.ts";
import { endedOf, isClaimed, isFile, type PathRecord } from "../records/record.ts";
import type { StoredRecord } from "../records/stored.ts";
import type { Tail } from "../records/tails.ts";
import { confirmedTail } from "./confirmed-tail.ts";
import type { Arrived } from "./tap.ts";
import type { OpenTap, Taps } from "./taps.ts";

/**
 * Milliseconds for which an append may have no owner while it moves from one node to the next; longer if its session is
 * open.
 */
const SUCCESSOR_MS = 2_500;
const SESSION_MS = 10_000;

/**
 * Milliseconds after the end of its lease for which a node that does not answer may come back: the NATS server to which it
 * is connected may have stood still.
 */
const SILENCE_MS = 5_000;

/** Milliseconds between two looks while the servers do not answer. */
const UNAVAILABLE_MS = 500;

/** How often in a row a node must be absent before it counts as gone. */
const ABSENCES = 2;

/** What a watch needs. */
export interface WatchParts {
  readonly core: Core;
  readonly taps: Taps;
  readonly looks: Looks;
  /** Whether a path has a session on record. */
  readonly hasSession: (path: string) => Promise<boolean>;
}

/**
 * The updates on a path that a node has claimed; undefined if no node has. See {@link Store.watch}.
 *
 * @throws {StreamError} what reading throws.
 */
export async function watchPath(
  parts: WatchParts,
  path: string,
  signal: AbortSignal,
): Promise<AsyncGenerator<AppendUpdate, void, void> | undefined> {
  const place = parts.core.layout.placeOf(path);
  // Opened before the path is looked at, so that nothing is missed in between.
  const opened = await parts.taps.open(place);
  try {
    const { stored, point } = await parts.core.tails.of(place);
    const record = stored?.record;
    if (isFile(record) && (await parts.looks.claimState(path, record)) !== "free") {
      return new Watch(parts, { place, opened, signal }, record, new Chain(point)).updates();
    }
  } catch (error) {
    opened.close();
    throw error;
  }
  opened.close();
  return undefined;
}

interface Watched {
  readonly place: Place;
  readonly opened: OpenTap;
  readonly signal: AbortSignal;
}

class Watch {
  readonly #parts: WatchParts;
  readonly #watched: Watched;
  readonly #generation: string;
  #chain: Chain;
  /** The last valid record that was seen. */
  #record: PathRecord;
  /** The size that was reported last. */
  #size: number;
  /**
   * When the path was first found without an owner, on the clock of `performance.now()`; undefined while it has one.
   */
  #freeSinceMs: number | undefined;
  /** How often in a row the owner was absent. */
  #absences = 0;

  constructor(parts: WatchParts, watched: Watched, record: PathRecord, chain: Chain) {
    this.#parts = parts;
    this.#watched = watched;
    this.#record = record;
    this.#chain = chain;
    this.#generation = record.generation;
    this.#size = chain.point.end;
  }

  async *updates(): AsyncGenerator<AppendUpdate, void, void> {
    const { opened, signal } = this.#watched;
    try {
      yield { size: this.#size };
      while (!signal.aborted) {
        for await (const update of this.#updatesIn(await opened.tap.next(signal))) {
          yield update;
          if (update.ended) return;
        }
      }
    } finally {
      opened.close();
    }
  }

  async *#updatesIn({ records, isGap, isQuiet }: Arrived): AsyncGenerator<AppendUpdate, void, void> {
    const { signal } = this.#watched;
    if (isGap) this.#parts.core.calls.counts.tapGaps++;
    for (const stored of records) {
      if (signal.aborted) return;
      const update = await this.#unlessUnavailable(() => this.#take(stored));
      if (update) yield update;
      if (update?.ended) return;
    }
    if (signal.aborted || (!isGap && !isQuiet)) return;
    const update = await this.#unlessUnavailable(async () => {
      return (await this.#look()) ?? (isQuiet ? await this.#lookForOwner() : undefined);
    });
    if (update) yield update;
  }

  /** Runs a look. If the servers do not answer, the followers of the path wait, and the next look tries again. */
  async #unlessUnavailable(look: () => Promise<AppendUpdate | undefined>): Promise<AppendUpdate | undefined> {
    const { opened, signal } = this.#watched;
    try {
      return await look();
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof StreamError && error.code === "unavailable")) throw error;
      await pause(UNAVAILABLE_MS);
      opened.tap.lose();
      return undefined;
    }
  }

  /** Takes a record that has arrived. */
  async #take(stored: StoredRecord): Promise<AppendUpdate | undefined> {
    const { record, payload } = stored;
    if (record.seq <= this.#chain.point.seq) return undefined;
    // It is void, or one before it is missing.
    if (!this.#chain.take(record)) return await this.#look();
    const { noteBytes = 0, isFullNote = false } = record;
    if (record.parts) return this.#follow(record, {});
    const note = noteBytes === 0 ? undefined : decodedNote(payload.subarray(0, noteBytes), isFullNote);
    return this.#follow(record, { bytes: payload.subarray(noteBytes), closed: note !== undefined && closes(note) });
  }

  /** Looks at the end of the path. */
  async #look(): Promise<AppendUpdate | undefined> {
    const tail = await this.#parts.core.tails.of(this.#watched.place);
    return tail.stored ? this.#continueWith(tail) : await this.#confirmedLook();
  }

  /** Looks at the end of the path before a watch ends because something is missing there. */
  async #confirmedLook(): Promise<AppendUpdate | undefined> {
    const tail = await confirmedTail(this.#parts.core, this.#watched.place);
    return tail.stored ? this.#continueWith(tail) : this.#ended("deleted");
  }

  #continueWith({ stored, point }: Tail): AppendUpdate | undefined {
    // A leader that has lost its majority may know less than what has arrived.
    if (!stored || point.seq <= this.#chain.point.seq) return undefined;
    this.#chain = new Chain(point);
    return this.#follow(stored.record, {});
  }

  /** The update of a record that counts. */
  #follow(record: PathRecord, known: Pick<AppendUpdate, "bytes" | "closed">): AppendUpdate | undefined {
    this.#record = record;
    this.#absences = 0;
    const { type, reason } = record;
    if (type === "x" || type === "f") return this.#ended("deleted");
    if (record.generation !== this.#generation) throw replaced(this.#watched.place.path);
    const size = this.#chain.point.end;
    const hasGrown = size > this.#size;
    this.#size = size;
    if (type === "c" && reason && reason !== "restarting") return { size, ended: reason };
    if (isClaimed(record)) {
      this.#freeSinceMs = undefined;
    } else {
      this.#freeSinceMs ??= performance.now();
      this.#watched.opened.tap.hurry();
    }
    return hasGrown || known.closed ? { size, ...known } : undefined;
  }

  /** Finds out whether the append continues, after a time without news. */
  async #lookForOwner(): Promise<AppendUpdate | undefined> {
    const { place, opened } = this.#watched;
    if (!(await this.#isFree())) return undefined;
    opened.tap.hurry();
    // A session on record may continue the append.
    const hasSession = await this.#parts.hasSession(place.path);
    this.#freeSinceMs ??= performance.now();
    const isWaiting = hasSession || !isClaimed(this.#record);
    const waitMs = hasSession ? SESSION_MS : SUCCESSOR_MS;
    if (isWaiting && performance.now() - this.#freeSinceMs <= waitMs) return undefined;
    // The owner may have stored something that the look has not shown.
    const { seq } = this.#chain.point;
    const update = await this.#confirmedLook();
    if (update || this.#chain.point.seq !== seq) return update;
    if (isWaiting) return this.#ended("restarting");
    const ended = endedOf(this.#record);
    return this.#ended(ended === "unknown" ? "lost" : ended);
  }

  /** Whether the path has no owner: the last one has released it, is gone, or does not know of it. */
  async #isFree(): Promise<boolean> {
    const { core, looks } = this.#parts;
    const { path } = this.#watched.place;
    const { node } = this.#record;
    const isFree = (await looks.claimState(path, this.#record)) === "free";
    if (node === core.node || !isClaimed(this.#record)) return isFree;
    // Its lease may last for some time after its end.
    const answer = await askOwner(core, path, this.#record);
    if (answer === "no") return true;
    this.#absences = answer === "absent" ? this.#absences + 1 : 0;
    if (isFree || this.#absences > 0) this.#watched.opened.tap.hurry();
    if (isFree && answer === "silent") return (await core.directory.missingMs(node)) > SILENCE_MS;
    return this.#absences >= ABSENCES;
  }

  #ended(ended: EndReason): AppendUpdate {
    return { size: this.#size, ended };
  }
}

/** Whether a stream is closed after a note. */
function closes(note: Note): boolean {
  return ("all" in note ? note.all.stream?.closed : note.change.closed) !== undefined;
}

function replaced(path: string): StreamError {
  return new StreamError("replaced", `"/${path}" has other content now.`, { path });
}
