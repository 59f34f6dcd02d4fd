/**
 * Claims of paths.
 * @module
 */
import { appenderConflict, folderInPlace } from "../../../engine/storage/conflicts.ts";
import type { ClaimOptions } from "../../../engine/storage/store.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { newGeneration } from "../../../support/token.ts";
import { pause } from "../connection/pause.ts";
import type { Place } from "../layout/layout.ts";
import { ask } from "../nodes/questions.ts";
import { type ChainPoint, Gap, isNext } from "../records/chain.ts";
import { encodedNote, NO_STATE, type PathState } from "../records/note.ts";
import {
  claimOf,
  endedOf,
  firstOf,
  isClaimed,
  isFile,
  notesOf,
  type PathRecord,
  type RecordFields,
} from "../records/record.ts";
import type { Tail } from "../records/tails.ts";
import { type Core, newId } from "./core.ts";
import type { CreatedFolder, Folders } from "./folders.ts";
import { JetStreamHandle } from "./handle.ts";
import { judgeOwner } from "./judge-owner.ts";
import type { OwnClaim } from "./own-claims.ts";
import { put } from "./put.ts";

/** Milliseconds for which a claim waits for an append that is ending. */
const ENDING_MS = 5_000;

/** Milliseconds between two looks at such a path. */
const LOOK_MS = 25;

/** Attempts at a claim while other nodes change the path at the same time. */
const ATTEMPTS = 10;

/** The state of a claim that is being made. */
interface Claiming {
  readonly place: Place;
  readonly options: ClaimOptions;
  readonly ownClaim: OwnClaim;
  /** Receives the folders that it creates. */
  readonly created: CreatedFolder[];
}

/** A record of a claim that is about to be written. */
interface Planned {
  readonly fields: RecordFields;
  readonly payload: Uint8Array;
  readonly state: PathState;
  readonly isNew: boolean;
}

/** Claims paths for this node. */
export class Claims {
  readonly #core: Core;
  readonly #folders: Folders;
  readonly #handles = new Set<JetStreamHandle>();

  constructor(core: Core, folders: Folders) {
    this.#core = core;
    this.#folders = folders;
  }

  /**
   * Claims a path; see {@link Store.claim}.
   *
   * @throws {StreamError} as {@link Store.claim}.
   */
  async claim(path: string, options: ClaimOptions): Promise<JetStreamHandle> {
    const ownClaim = this.#core.ownClaims.reserve(path, options);
    const claiming = { place: this.#core.layout.placeOf(path), options, ownClaim, created: [] };
    let handle: JetStreamHandle | undefined;
    try {
      handle = await this.#claim(claiming);
    } catch (error) {
      // They stay if they can't be removed: a listing then shows an empty folder.
      await this.#folders.remove(claiming.created).catch(() => {});
      throw error;
    } finally {
      if (!handle) this.#core.ownClaims.free(ownClaim);
    }
    if (options.signal?.aborted) {
      await handle.discard();
      throw options.signal.reason;
    }
    return handle;
  }

  /** Checks whether other nodes have taken paths from this one, after a time in which it could not renew its lease. */
  lookAll(): void {
    for (const handle of this.#handles) {
      // If a check fails, the next write finds out.
      void handle.look().catch(() => {});
    }
  }

  async #claim(claiming: Claiming): Promise<JetStreamHandle> {
    const { place, options, ownClaim } = claiming;
    const untilMs = performance.now() + ENDING_MS;
    for (let attempt = 1; attempt <= ATTEMPTS; ) {
      options.signal?.throwIfAborted();
      const tail = await this.#core.tails.of(place);
      const record = tail.stored?.record;
      if (record?.type === "f") throw folderInPlace(place.path);
      const verdict = await judgeOwner(this.#core, place.path, record, options.extraLeaseMs ?? 0);
      if (verdict === "ending") {
        if (performance.now() > untilMs) throw appenderConflict(place.path);
        await pause(LOOK_MS);
        continue;
      }
      const handle = await this.#take(claiming, tail, verdict === "silent");
      if (handle) {
        if (record && isClaimed(record) && record.node !== this.#core.node) {
          this.#core.calls.counts.takeovers++;
          this.#tell(record, place.path);
        }
        return handle;
      }
      if (ownClaim.revoked.aborted) throw ownClaim.revoked.reason;
      attempt++;
    }
    throw appenderConflict(place.path);
  }

  /** Writes the record of the claim. Returns undefined if the path has changed since it was looked up. */
  async #take(claiming: Claiming, tail: Tail, wasSilent: boolean): Promise<JetStreamHandle | undefined> {
    const { place, options, ownClaim, created } = claiming;
    const { path } = place;
    const isThere = isFile(tail.stored?.record) && !tail.stored.record.isIncomplete;
    if (!isThere && options.create === false) {
      await this.#folders.refuseBelowResource(path);
      throw new StreamError("not_found", `"/${path}" does not exist.`, { path });
    }
    await options.check?.();
    if (!isThere) await this.#folders.create(path, created);
    const planned = isThere ? await this.#continued(claiming, tail) : this.#fresh(claiming, tail);
    const { fields, payload, state, isNew } = planned;
    const outcome = await put(this.#core, { place, fields, payload, point: tail.point, last: tail.last });
    if (outcome.kind !== "stored") return undefined;
    const { record } = outcome;
    await this.#assertValid(place, record, tail.point);
    ownClaim.seq = record.seq;
    this.#countLoss(ownClaim);
    if (notesOf(record).last === record.seq) this.#core.states.remember(place, record.seq, state);
    const dropped = tail.stored?.record;
    if (isNew && isFile(dropped)) this.#drop(place, dropped, record.seq);
    const removeFolders = () => this.#folders.remove(created);
    const onFree = (): void => void this.#handles.delete(handle);
    const parts = { place, ownClaim, record, state, isNew, wasSilent, removeFolders, onFree };
    const handle = new JetStreamHandle(this.#core, parts);
    this.#handles.add(handle);
    return handle;
  }

  /** The record of a claim that creates the path. A content that was never completed is replaced. */
  #fresh({ options }: Claiming, { point }: Tail): Planned {
    const state = { ...NO_STATE, type: options.type };
    const payload = options.type === undefined ? NOTHING : encodedNote({ all: state });
    const fields: RecordFields = {
      ...this.#fields(options, Date.now()),
      ...{ offset: 0, predecessor: point.seq, generation: newGeneration(), first: 0 },
      ...(payload.length > 0 && { noteBytes: payload.length, isFullNote: true }),
    };
    return { fields, payload, state, isNew: true };
  }

  /** The record of a claim that continues the path. */
  async #continued({ place, options }: Claiming, { stored, point }: Tail): Promise<Planned> {
    if (!stored) throw new StreamError("not_found", `"/${place.path}" does not exist.`, { path: place.path });
    const { record } = stored;
    const known = await this.#core.states.after(place, stored);
    const isFirstType = known.type === undefined && options.type !== undefined;
    const state = isFirstType ? { ...known, type: options.type } : known;
    const payload = isFirstType ? encodedNote({ all: state }) : NOTHING;
    const ended = endedOf(record);
    const fields: RecordFields = {
      ...this.#fields(options, record.modifiedMs),
      ...{ offset: point.end, predecessor: point.seq, generation: record.generation, first: firstOf(record) },
      ...(ended !== "unknown" && { endedBefore: ended }),
      notes: notesOf(record),
      ...(payload.length > 0 && { noteBytes: payload.length, isFullNote: true }),
    };
    return { fields, payload, state, isNew: false };
  }

  #fields(
    { kept = false }: ClaimOptions,
    modifiedMs: number,
  ): Omit<RecordFields, "offset" | "predecessor" | "generation" | "first"> {
    return { type: "o", claim: 0, node: this.#core.node, id: newId(), modifiedMs, isKept: kept };
  }

  /**
   * Checks that the record of a claim counts: a server may have stored it behind a record that its leader did not know.
   * From here on, nothing of an earlier claim can be stored before the records of this one.
   *
   * @throws {StreamError} `conflict`
   */
  async #assertValid(place: Place, { seq, predecessor }: PathRecord, point: ChainPoint): Promise<void> {
    const gap = new Gap(predecessor);
    let found = await this.#core.records.next(place, predecessor + 1);
    while (found && found.record.seq < seq && !isNext(point, found.record) && !gap.isBefore(found.record)) {
      found = await this.#core.records.next(place, found.record.seq + 1);
    }
    if (found?.record.seq !== seq) throw appenderConflict(place.path);
  }

  /** Counts the claim as lost if it ends because another node has taken the path. */
  #countLoss({ revoked }: OwnClaim): void {
    const { counts } = this.#core.calls;
    const count = (): void => {
      if (revoked.reason instanceof StreamError && revoked.reason.code === "fenced") counts.fenced++;
    };
    if (revoked.aborted) count();
    else revoked.addEventListener("abort", count, { once: true });
  }

  /** Tells the former owner, which may be alive after all. Otherwise it would find out with its next write. */
  #tell(record: PathRecord, path: string): void {
    const { calls, layout, node } = this.#core;
    void ask(calls.connection, layout, record.node, { kind: "taken", path, node, claim: claimOf(record) });
  }

  /** Removes the records of a content that was never completed. If that fails, they stay until the path is removed. */
  #drop(place: Place, { generation }: PathRecord, before: number): void {
    const { calls, layout } = this.#core;
    const { path, stream, subject, shard } = place;
    void calls.purge(stream, subject, { path, before }).catch(() => {});
    void calls.purge(stream, layout.parts(shard, generation, "*"), { path }).catch(() => {});
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
