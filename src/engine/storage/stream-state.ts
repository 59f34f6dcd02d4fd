/**
 * The state of a durable stream beyond its bytes: how it was created, its producers, whether it is closed.
 * @module
 */

/** The part of the producers that is remembered when there are too many. */
const KEPT_PART = 0.9;

/** The last accepted append of a producer. */
export interface ProducerState {
  /** Grows with each start of the producer. */
  readonly epoch: number;
  /** The number of the append within the epoch. */
  readonly seq: number;
  /** The size of the stream after the append: of two producers, the one with the smaller size has been quiet for longer. */
  readonly at?: number;
}

/** The stamp of a producer's append, by which the server recognizes a repetition. */
export interface ProducerStamp extends Omit<ProducerState, "at"> {
  /** The name of the producer. */
  readonly id: string;
}

/** Where a fork was made. */
export interface ForkOrigin {
  /** The path of the source. */
  readonly source: string;
  /** The offset that was asked for. The fork has the bytes of the source up to there, and {@link sub} more. */
  readonly offset: number;
  /** Bytes, or messages of JSON, past the offset. */
  readonly sub: number;
}

/** How long a stream lives, as its creator asked. */
export interface Lifetime {
  /** Seconds without a request after which it expires. */
  readonly ttlSeconds?: number;
  /** When it expires, as the creator wrote it (RFC 3339). */
  readonly expiresAt?: string;
}

/** The state of one stream. A path without one is a plain file. */
export interface StreamState extends Lifetime {
  /** Whether a `PUT` has created the path. If not, the path existed, and an append has put it on record. */
  readonly created: boolean;
  /** The media type that the creator gave. */
  readonly type?: string;
  /** The origin of a fork. */
  readonly fork?: ForkOrigin;
  /** The lifetime that the creator of a fork asked for. A fork may have that of its source instead. */
  readonly asked?: Lifetime;
  /** Set once no more can be appended; `by` is the append that has closed it. */
  readonly closed?: { readonly by?: ProducerStamp };
  /** The `Stream-Seq` of the last append that had one. */
  readonly seq?: string;
  /** The last append of each producer that is remembered. */
  readonly producers: Readonly<Record<string, ProducerState>>;
  /** Set while the bytes of a fork are being copied: for readers, the path does not exist yet. */
  readonly incomplete?: boolean;
  /** Set on a tombstone: the stream was removed, and forks of it exist. */
  readonly deleted?: boolean;
}

/** The change that one write makes: the given members, and the given producers. */
export interface StreamChange extends Partial<StreamState> {
  /** The names of producers that are forgotten. */
  readonly forgotten?: readonly string[];
}

/**
 * The state after a change; a path without a state begins with an empty one.
 *
 * @example
 * ```ts
 * changedState({ created: true, producers: {} }, { seq: "2" }); // { created: true, producers: {}, seq: "2" }
 * ```
 */
export function changedState(state: StreamState | undefined, change: StreamChange): StreamState {
  const before = state ?? { created: false, producers: {} };
  const { forgotten = [], ...rest } = change;
  const producers = { ...before.producers, ...change.producers };
  for (const id of forgotten) delete producers[id];
  return { ...before, ...rest, producers };
}

/**
 * A change that leaves a state with at most some number of producers. The least recently used ones are forgotten,
 * several at once, because finding them takes longer than to store a batch.
 */
export function withFewProducers(state: StreamState | undefined, change: StreamChange, max: number): StreamChange {
  if (!change.producers) return change;
  const known = state?.producers ?? {};
  let count = Object.keys(known).length;
  for (const id of Object.keys(change.producers)) if (!Object.hasOwn(known, id)) count++;
  if (count <= max) return change;
  const all = Object.entries({ ...known, ...change.producers });
  all.sort(([, one], [, other]) => (one.at ?? 0) - (other.at ?? 0));
  const kept = Math.max(1, Math.floor(max * KEPT_PART));
  return { ...change, forgotten: all.slice(0, count - kept).map(([id]) => id) };
}

/** Stores the records of streams while no append of them is under way. */
export interface StreamRecords {
  /** The state of a path, or its tombstone; undefined for a plain file, and if there is nothing. */
  find(path: string): Promise<StreamState | undefined>;
  /** The paths that have a state. */
  list(): Promise<string[]>;
  /**
   * Notes the tombstone that the following removal leaves; undefined if it leaves none. Once the path is gone, the
   * tombstone counts, whatever has happened in between. Only for drivers that survive a crash, or are shared.
   */
  prepareTombstone?(path: string, tombstone: StreamState | undefined): Promise<void>;
  /** Leaves a tombstone at a path that has just been removed. */
  writeTombstone(path: string, tombstone: StreamState): Promise<void>;
  /** Removes a tombstone. */
  forget(path: string): Promise<void>;
  /** Notes that a path is a fork of another one, before it exists. */
  addFork(source: string, fork: string): Promise<void>;
  /** Removes that note. */
  removeFork(source: string, fork: string): Promise<void>;
  /** The paths that were noted as forks of a path. Some of them may not exist. */
  forksOf(source: string): Promise<string[]>;
  /** Notes that a stream was used, for other processes. Only for drivers that several processes share. */
  renew?(path: string): Promise<void>;
  /** A text that changes with each {@link renew}; undefined before the first. */
  renewal?(path: string): Promise<string | undefined>;
}
