/**
 * The right to append to one path.
 * @module
 */
import type { AppendHandle } from "../../../engine/storage/append-handle.ts";
import { changedState, type StreamChange, type StreamState } from "../../../engine/storage/stream-state.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { StreamError } from "../../../protocol/errors.ts";
import type { Place } from "../layout/layout.ts";
import { type ChainPoint, Gap, isNext, pointAfter } from "../records/chain.ts";
import { encodedNote, noteFor, type PathState } from "../records/note.ts";
import { claimOf, firstOf, type NotePointers, notesOf, type PathRecord, type RecordFields } from "../records/record.ts";
import { type Core, newId } from "./core.ts";
import { type OwnClaim, takenOver } from "./own-claims.ts";
import { cut, NOTE_BYTES, put, putParts } from "./put.ts";

/**
 * Milliseconds after a write for which no other node can have taken the path, because it must question this one for
 * longer than that.
 */
const SURE_MS = 200;

/** What a claim knows of its path. */
export interface Claimed {
  readonly place: Place;
  readonly ownClaim: OwnClaim;
  /** The record of the claim. */
  readonly record: PathRecord;
  readonly state: PathState;
  /** Whether the claim has created the path. */
  readonly isNew: boolean;
  readonly wasSilent: boolean;
  /** Removes the folders that the claim has created. */
  removeFolders(): Promise<void>;
  /** Called when the path is released. */
  onFree(): void;
}

/** What is particular about a record. */
type Own = Pick<RecordFields, "type"> &
  Partial<Pick<RecordFields, "reason" | "reservedFor" | "noteBytes" | "isFullNote" | "parts" | "modifiedMs">>;

/** Appends to a path, one record after the other. */
export class JetStreamHandle implements AppendHandle {
  readonly created: boolean;
  readonly epoch: number;
  readonly generation: string;
  readonly wasSilent: boolean;
  readonly revoked: AbortSignal;
  readonly handoverRequested: AbortSignal;
  readonly #core: Core;
  readonly #claimed: Claimed;
  readonly #ownClaim: OwnClaim;
  readonly #first: number;
  #point: ChainPoint;
  #notes: NotePointers;
  #state: PathState;
  #modifiedMs: number;
  /** When the last write was sent that was stored, on the clock of `performance.now()`. */
  #sentMs: number;
  #released = false;
  /** The write under way: others wait for it. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(core: Core, claimed: Claimed) {
    const { ownClaim, record, state, isNew, wasSilent } = claimed;
    this.#core = core;
    this.#claimed = claimed;
    this.#ownClaim = ownClaim;
    this.#state = state;
    this.#point = pointAfter(record);
    this.#notes = notesOf(record);
    this.#first = firstOf(record);
    this.#modifiedMs = record.modifiedMs;
    this.#sentMs = performance.now();
    this.created = isNew;
    this.wasSilent = wasSilent;
    // The sequence of the claim: it grows with every claim of the path, also after a removal.
    this.epoch = record.seq;
    this.generation = record.generation;
    this.revoked = ownClaim.revoked;
    this.handoverRequested = ownClaim.handoverRequested;
  }

  get offset(): number {
    return this.#point.end;
  }

  get type(): string | undefined {
    return this.#state.type;
  }

  get stream(): StreamState | undefined {
    return this.#state.stream;
  }

  /** The place of the path. */
  get place(): Place {
    return this.#claimed.place;
  }

  isRevoked(): boolean {
    return this.revoked.aborted;
  }

  async append(batch: Uint8Array, change?: StreamChange): Promise<number> {
    if (this.#released) throw this.#releasedError();
    return await this.#alone(async () => {
      if (change) await this.#appendWhole(batch, change);
      // A copy: what was not acknowledged may still be sent when the caller uses its buffer again.
      else for (const payload of cut([batch], this.#core.messageBytes)) await this.#appendData(payload);
      return this.#point.end;
    });
  }

  async verify(): Promise<void> {
    if (this.#released) return;
    await this.#alone(async () => {
      if (performance.now() - this.#sentMs < SURE_MS) return;
      // A leader that has lost its majority answers reads, but stores nothing.
      await this.#write({ type: "d" }, NOTHING);
    });
  }

  async leaveEndMarker(ended: EndReason): Promise<void> {
    if (this.#released) return;
    await this.#alone(() => this.#write({ type: "w", reason: ended }, NOTHING));
  }

  async release(ended?: EndReason): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    this.#ownClaim.isReleasing = true;
    try {
      await this.#alone(() => this.#writeRelease(ended), true);
    } finally {
      this.#free();
    }
  }

  async discard(): Promise<void> {
    if (this.#released) return;
    const isUnused = this.created && this.#point.end === 0 && this.#state.stream === undefined;
    if (!isUnused || this.revoked.aborted) return await this.release();
    await this.remove();
    await this.#claimed.removeFolders();
  }

  /**
   * Removes the path, and releases it. Its tombstone stays for a while, so that nothing of an earlier claim can bring it back.
   *
   * @throws {StreamError} what {@link append} throws.
   */
  async remove(): Promise<void> {
    if (this.#released) throw this.#releasedError();
    this.#released = true;
    this.#ownClaim.isReleasing = true;
    const { calls, layout, tombstoneMs } = this.#core;
    const { path, stream, subject, shard } = this.place;
    try {
      const { seq } = await this.#alone(() => this.#write({ type: "x" }, NOTHING, tombstoneMs), true);
      await calls.purge(stream, layout.parts(shard, this.generation, "*"), { path });
      await calls.purge(stream, subject, { path, before: seq });
    } finally {
      this.#free();
    }
  }

  /** Checks whether another node has taken the path; used when this node may have been silent for too long. */
  async look(): Promise<void> {
    if (this.#released || this.revoked.aborted) return;
    const point = this.#point;
    const next = await this.#core.records.next(this.place, point.seq + 1);
    const isForeign = next && claimOf(next.record) !== this.epoch;
    const isTaken = isForeign && (isNext(point, next.record) || new Gap(point.seq).isBefore(next.record));
    if (isTaken) this.#ownClaim.revoke(takenOver(this.place.path));
  }

  /** Stores a change and a batch, both or neither. */
  async #appendWhole(batch: Uint8Array, change: StreamChange): Promise<void> {
    const { path } = this.place;
    if (this.#state.stream === undefined) await this.#core.notes.begin(path);
    const changes = this.#notes.full === 0 ? undefined : this.#notes.changes;
    const note = noteFor(this.#state, change, changes);
    const bytes = encodedNote(note);
    const after = { ...this.#state, stream: changedState(this.#state.stream, change) };
    const isLarge = bytes.length > NOTE_BYTES || batch.length > this.#core.messageBytes;
    const { parts, payload } = isLarge
      ? await putParts(this.#core, this.place, this.generation, [bytes, batch])
      : { parts: undefined, payload: cut([bytes, batch], bytes.length + batch.length)[0] ?? NOTHING };
    const modifiedMs = batch.length > 0 ? this.#now() : this.#modifiedMs;
    const before = this.#state;
    // The record says whether the content exists for readers after it.
    this.#state = after;
    try {
      const isFullNote = "all" in note;
      await this.#write({ type: "d", noteBytes: bytes.length, isFullNote, parts, modifiedMs }, payload);
    } catch (error) {
      this.#state = before;
      throw error;
    }
    this.#core.states.remember(this.place, this.#notes.last, after);
  }

  async #appendData(payload: Uint8Array): Promise<void> {
    await this.#write({ type: "d", modifiedMs: this.#now() }, payload);
  }

  async #writeRelease(ended: EndReason | undefined): Promise<void> {
    if (this.revoked.aborted) return;
    try {
      await this.#write({ type: "c", reason: ended, reservedFor: this.#ownClaim.requester }, NOTHING);
    } catch (error) {
      // Another node has the path already.
      if (!(error instanceof StreamError && error.code === "fenced")) throw error;
    }
  }

  #free(): void {
    this.#core.ownClaims.free(this.#ownClaim);
    this.#claimed.onFree();
  }

  /** The time of a write. It never decreases. */
  #now(): number {
    return Math.max(this.#modifiedMs, Date.now());
  }

  /**
   * Writes the next record.
   *
   * @throws {StreamError} `fenced`, `unavailable`: the handle is revoked. `no_space`, `denied`, `storage`.
   */
  async #write(own: Own, payload: Uint8Array, ttlMs?: number): Promise<PathRecord> {
    const { place } = this.#claimed;
    const point = this.#point;
    const fields: RecordFields = {
      ...{ offset: point.end, predecessor: point.seq, claim: this.epoch, node: this.#core.node, id: newId() },
      ...{ generation: this.generation, first: this.#first, modifiedMs: this.#modifiedMs },
      endedBefore: this.#claimed.record.endedBefore,
      isKept: this.#ownClaim.isKept,
      isIncomplete: this.#state.stream?.incomplete === true,
      notes: this.#notes,
      ...own,
    };
    const sentMs = performance.now();
    try {
      // Only this handle writes behind its own records.
      const outcome = await put(this.#core, { place, fields, payload, point, last: point.seq, ttlMs });
      if (outcome.kind !== "stored") throw takenOver(place.path);
      const { record } = outcome;
      this.#sentMs = sentMs;
      this.#point = pointAfter(record);
      this.#notes = notesOf(record);
      this.#modifiedMs = record.modifiedMs;
      return record;
    } catch (error) {
      const failure = StreamError.from(error, "storage");
      if (failure.code === "fenced" || failure.code === "unavailable") this.#ownClaim.revoke(failure);
      throw failure;
    }
  }

  /**
   * Runs a write after the previous one has ended.
   *
   * @param isLast Whether it runs on a handle that is being released.
   */
  #alone<T>(write: () => Promise<T>, isLast = false): Promise<T> {
    const mine = this.#writing.then(async () => {
      if (this.#released && !isLast) throw this.#releasedError();
      if (this.revoked.aborted && !isLast) throw this.revoked.reason;
      return await write();
    });
    this.#writing = mine.catch(() => {});
    return mine;
  }

  #releasedError(): StreamError {
    return new StreamError("fenced", `The claim of "/${this.place.path}" was released.`, { path: this.place.path });
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
