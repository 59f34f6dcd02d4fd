/**
 * The streams of one server: created, appended to by many clients at once, closed, forked, expired and removed.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { checkedLook, checkFound, type PathPreconditions } from "../append/preconditions.ts";
import type { Appends } from "../sessions/appends.ts";
import { removePath } from "../sessions/removal.ts";
import { lookAgain } from "../storage/look-again.ts";
import type { Store } from "../storage/store.ts";
import type { ProducerState, StreamRecords, StreamState } from "../storage/stream-state.ts";
import type { CreateSpec } from "./creation.ts";
import { liveForks, removeAnnounced, tombstoneOf } from "./forks.ts";
import type { ClaimedJobPath, Decision, Job, Present } from "./job.ts";
import { type AppendSpec, judgeAppend } from "./judge.ts";
import { Lifetimes } from "./lifetimes.ts";
import { foundSame, type Made, makeStream, presentStat } from "./make-stream.ts";
import { PathWriter } from "./path-writer.ts";
import { removeIncomplete } from "./remove-incomplete.ts";
import { removeClaimed } from "./remove-kept.ts";

/** The outcome of an append. */
export interface Appended {
  /** The offset of its first byte; of a repetition, the size. */
  readonly start: number;
  /** The offset just past its bytes; of a repetition, the size. */
  readonly offset: number;
  readonly generation: string;
  /** The producer's last append. */
  readonly producer: ProducerState | undefined;
  /** Whether bytes were stored. If not, they were stored before, or the append was empty. */
  readonly isNew: boolean;
  readonly closed: boolean;
}

/** The writer, and its conditions. Its address is not counted, because the claim is cached for the next client. */
export interface WriteTerms {
  readonly preconditions: PathPreconditions;
  /** The id of the request. */
  readonly requestId: string | undefined;
  /** Throws if the client may not write any more: a write may wait. Default: never. */
  readonly assertAllowed?: () => void;
}

/** Maximum number of idle claims. Each has two open files. */
const MAX_KEPT = 500;

/** Preconditions of calls by the embedding program. */
const NO_TERMS: WriteTerms = { preconditions: {}, requestId: undefined };

/** The streams of a store that keeps records of them. */
export class DurableStreams {
  readonly records: StreamRecords;
  readonly lifetimes: Lifetimes;
  readonly #appends: Appends;
  readonly #store: Store;
  readonly #writers = new Map<string, PathWriter>();
  /** The writers with an idle claim, longest-held first. */
  readonly #kept = new Set<PathWriter>();
  readonly #onProblem: (path: string, error: unknown) => void;

  /** @param onProblem Called when a stream that has expired can't be removed. */
  constructor(appends: Appends, records: StreamRecords, onProblem: (path: string, error: unknown) => void) {
    this.records = records;
    this.#appends = appends;
    this.#store = appends.registry.store;
    this.#onProblem = onProblem;
    const settle = (path: string): void => void this.settle(path).catch((error) => this.#onProblem(path, error));
    this.lifetimes = new Lifetimes(records, settle);
  }

  /** Whether the writer of a path has an idle claim. */
  isLingering(path: string): boolean {
    return this.#writers.get(path)?.isLingering ?? false;
  }

  /** Whether the writer of a path, in this process, is storing something. */
  isWriting(path: string): boolean {
    return this.#writers.get(path)?.isWriting ?? false;
  }

  /** Begins the lifetimes of all streams on record. */
  async restore(): Promise<void> {
    for (const path of await this.records.list()) await this.settle(path);
  }

  /** The state of a path on record, as {@link StreamRecords.find}. */
  async find(path: string): Promise<StreamState | undefined> {
    return this.#appends.registry.isPlain(path) ? undefined : this.records.find(path);
  }

  /**
   * Removes a stream that has expired, a tombstone without forks, and what is left of a failed copy. Returns its state;
   * undefined for a plain file, and if the path does not exist.
   */
  async settle(path: string): Promise<StreamState | undefined> {
    const state = await this.find(path);
    if (!state) {
      this.lifetimes.forget(path);
      return undefined;
    }
    if (state.deleted) {
      for (const fork of await liveForks(this.records, path)) await this.#settleFork(fork);
      if ((await liveForks(this.records, path)).length > 0) return state;
      await this.#forget(path, state);
      return undefined;
    }
    if (state.incomplete) {
      if (!(await removeIncomplete(this.#appends.registry, path))) return state;
      await this.#releaseSource(path, state);
      return undefined;
    }
    if (!(await this.lifetimes.isOver(path, state))) return state;
    try {
      // A writer with an idle claim may not know yet that another program has changed the file.
      await this.#writers.get(path)?.yield();
      const now = await this.records.find(path);
      if (!now || !(await this.lifetimes.isOver(path, now))) return now;
      await this.#remove(path, () => removePath(this.#appends, path));
      return this.records.find(path);
    } catch (error) {
      // It does not expire during an append.
      if (!(error instanceof StreamError && error.code === "in_use")) throw error;
      this.lifetimes.use(path, state);
      return state;
    }
  }

  /**
   * As {@link settle}.
   *
   * @throws {StreamError} `gone` for a tombstone.
   */
  use(path: string): Promise<StreamState | undefined> {
    return lookAgain(this.#store, () => this.useNow(path));
  }

  /** As {@link use}, for callers that look again themselves. */
  async useNow(path: string): Promise<StreamState | undefined> {
    const state = await this.settle(path);
    if (!state?.deleted) return state;
    throw new StreamError("gone", `"/${path}" was removed; only forks of it are left.`, { path });
  }

  /**
   * The state of a path whose writer has the claim: it spares an append the look at the store. If another program has
   * changed the file since, the writer notices that before it stores something.
   *
   * @returns `state` is undefined for a plain file. Undefined if the store must be asked.
   */
  async claimed(path: string): Promise<{ readonly state: StreamState | undefined } | undefined> {
    const { state, generation } = this.#writers.get(path)?.present ?? {};
    if (generation === undefined || state?.incomplete) return undefined;
    return state && (await this.lifetimes.isOver(path, state)) ? undefined : { state };
  }

  /**
   * Appends to a path, which must exist, as one of many writers.
   *
   * @throws {StreamError} what {@link judgeAppend} throws; `not_found`, `busy`, `precondition_failed`, and what storing
   * throws.
   */
  append(path: string, ask: AppendSpec, { preconditions, assertAllowed, ...by }: WriteTerms): Promise<Appended> {
    const terms = { create: false, enforcesStreamRules: true, ...by };
    return this.#do(path, (untilMs, resolve, failed) => {
      const decide = ({ size: before, state, tail }: Present): Decision => {
        assertAllowed?.();
        const { batch, ...verdict } = judgeAppend({ path, size: before, state, tail }, ask);
        const isNew = batch !== undefined && ask.bytes.length > 0;
        const start = before;
        return { batch, settled: (offset, generation) => resolve({ ...verdict, start, offset, generation, isNew }) };
      };
      if (isEmpty(preconditions)) return { untilMs, failed, terms, bytes: ask.bytes.length, decide };
      const run = async (held: ClaimedJobPath): Promise<void> => {
        checkFound(await this.#store.stat(path), path, preconditions);
        const { batch, settled } = decide(held);
        if (batch) await held.store(batch);
        settled(held.size + (batch?.bytes.length ?? 0), held.generation);
      };
      return { untilMs, failed, terms, run };
    });
  }

  /** Closes a stream, for the program that runs the server. Resolves to its size. @throws {StreamError} as {@link append}. */
  async close(path: string): Promise<number> {
    const ask = { bytes: new Uint8Array(0), type: undefined, expected: undefined, closes: true };
    return (await this.append(path, { ...ask, seq: undefined, producer: undefined }, NO_TERMS)).offset;
  }

  /**
   * Creates a stream, unless the same one exists.
   *
   * @throws {StreamError} `mismatch` if another one exists; `not_found` for the source of a fork, `bad_request` for a
   * place past its end; `not_json`, `busy`, and what storing throws.
   */
  async create(path: string, ask: CreateSpec, { preconditions, assertAllowed, ...by }: WriteTerms): Promise<Made> {
    const found = await checkedLook(this.#store, path, preconditions);
    const known = foundSame(path, found, ask);
    if (known) return known;
    const { limits, used, batchSizes } = this.#appends.registry;
    const parts = { store: this.#store, records: this.records, limits, used, batchSizes };
    const making = makeStream(parts, path, ask, (terms, run) =>
      this.#do<Made>(path, (untilMs, resolve, failed) => ({
        untilMs,
        failed,
        terms: { ...terms, enforcesStreamRules: true, ...by },
        run: async (held) => {
          assertAllowed?.();
          if (held.size > 0 || held.state) checkFound(await this.#store.stat(path), path, preconditions);
          resolve(foundSame(path, presentStat(held), ask) ?? (await run(held)));
        },
      })),
    );
    return making.catch(async (error: unknown) => {
      if (ask.fork) await this.settle(path).catch((problem) => this.#onProblem(path, problem));
      throw error;
    });
  }

  /**
   * Removes a path. A stream with forks leaves a tombstone. Resolves to whether there was one.
   *
   * @param requestId The id of the request. Default: none.
   * @throws {StreamError} what {@link removePath} throws.
   */
  remove(path: string, preconditions: PathPreconditions = {}, requestId?: string): Promise<boolean> {
    return this.#remove(path, () => removeClaimed(this.#appends, path, preconditions, requestId));
  }

  async #remove(path: string, remove: () => Promise<boolean>): Promise<boolean> {
    await this.#writers.get(path)?.yield();
    const state = await this.records.find(path);
    const isRemoved = await removeAnnounced(this.records, path, state, remove);
    if (isRemoved && state) await this.#removed(path, state);
    return isRemoved;
  }

  async #removed(path: string, state: StreamState): Promise<void> {
    this.lifetimes.forget(path);
    if ((await liveForks(this.records, path)).length > 0) await this.records.writeTombstone(path, tombstoneOf(state));
    else await this.#releaseSource(path, state);
  }

  /** Removes a tombstone that has no forks left. */
  async #forget(path: string, state: StreamState): Promise<void> {
    await this.records.forget(path);
    await this.#releaseSource(path, state);
  }

  /** A fork does not exist any more: its source may have left a tombstone for it. */
  async #releaseSource(path: string, { fork }: StreamState): Promise<void> {
    if (!fork) return;
    await this.records.removeFork(fork.source, path);
    await this.settle(fork.source);
  }

  async #settleFork(fork: string): Promise<void> {
    const state = await this.records.find(fork);
    if (state && !state.deleted) await this.settle(fork);
  }

  /** Adds a job to the writer of a path. */
  async #do<Result>(
    path: string,
    job: (untilMs: number, resolve: (result: Result) => void, failed: (error: unknown) => void) => Job,
  ): Promise<Result> {
    const { registry, sessions } = this.#appends;
    // A session that its former server left behind must claim its path before any new append can.
    if (!this.#writers.has(path)) await sessions.adopt(path);
    registry.assertOpen();
    const untilMs = performance.now() + registry.limits.writeWaitMs;
    return new Promise((resolve, failed) => this.#writerOf(path).add(job(untilMs, resolve, failed)));
  }

  #writerOf(path: string): PathWriter {
    const known = this.#writers.get(path);
    if (known) return known;
    const writer = new PathWriter(this.#appends.registry, path, {
      idle: () => {
        this.#kept.delete(writer);
        if (this.#writers.get(path) === writer) this.#writers.delete(path);
      },
      works: () => void this.#kept.delete(writer),
      lingers: () => {
        this.#kept.add(writer);
        const [oldest] = this.#kept;
        if (this.#kept.size > MAX_KEPT) void oldest?.yield();
      },
    });
    this.#writers.set(path, writer);
    return writer;
  }
}

function isEmpty({ offset, generation, check }: PathPreconditions): boolean {
  return offset === undefined && generation === undefined && !check;
}
