/**
 * The Store contract: what the core asks of whatever keeps the bytes.
 *
 * A path is a resource path as `path.ts` makes it: segments joined by `/`, no leading slash, the empty
 * string for the root folder. Offsets and sizes are bytes.
 * @module
 */
import type { EndedReason, EndReason } from "../../protocol/end-reason.ts";

/** What a store knows of a path. */
export interface StoreStat {
  /** Bytes stored; the offset just past the last one. */
  readonly size: number;
  /** When the last byte was written. */
  readonly modified: Date;
  /**
   * Names the content of the path, in a few characters that can stand in a URL and can't be guessed. It changes when the
   * resource was removed, became shorter, or no longer has the bytes that are on record at its end; never by an append,
   * a restart, a takeover or a restore of the same bytes.
   */
  readonly generation: string;
  /** Whether an append is under way, here or in another process, or its session waits for its appender. */
  readonly appending?: boolean;
  /** How the last append ended; nothing while {@link appending}. */
  readonly ended?: EndedReason;
  /** The media type that an appender gave it. Untrusted, as the bytes are. */
  readonly type?: string;
}

/** One row of a folder. */
export interface StoreEntry {
  /** The last segment of its path. */
  readonly name: string;
  /** Whether it is a resource or a folder of resources. */
  readonly kind: "file" | "folder";
  /** Bytes stored; 0 for a folder. */
  readonly size: number;
  /** When it was last changed. */
  readonly modified: Date;
  /** As {@link StoreStat.appending}; never for a folder. */
  readonly appending?: boolean;
}

/** Which rows of a folder. */
export interface ListOptions {
  /** Only names behind this one. */
  readonly after?: string;
  /** Most rows. Default all. */
  readonly limit?: number;
  /** Ends the listing early, with an error. */
  readonly signal?: AbortSignal;
}

/** Rows, one after the other as they are asked for. A driver with few may return an array. */
export type StoreListing = AsyncIterable<StoreEntry> | Iterable<StoreEntry>;

/** The right to append to one path. There is one at a time. */
export interface AppendHandle {
  /** Where the next byte goes: every byte before it is stored. Exact also after a failed {@link append}. */
  readonly offset: number;
  /** Whether the claim made the path, which did not exist before. Drivers that can't tell leave it out. */
  readonly created?: boolean;
  /** Grows with every claim of the path. */
  readonly epoch: number;
  /** The content that it appends to; see {@link StoreStat.generation}. */
  readonly generation: string;
  /** The media type on record. */
  readonly type?: string | undefined;
  /**
   * What has become of the content under the append, once {@link append} or {@link verify} has failed with `changed`:
   * `failed` where it is still there, and somebody else has appended to it. Default `deleted`.
   */
  readonly fate?: "deleted" | "replaced" | "failed" | undefined;
  /** Whether the path was taken over from another process that was silent, and may wake up. */
  readonly wasSilent?: boolean;
  /** Aborts when somebody else has taken the path over. Whoever asks for it gets it up to date. */
  readonly revoked: AbortSignal;
  /** Aborts when another process {@link Store.requestHandover}s for the path. Only drivers have it that other processes share. */
  readonly handoverRequested?: AbortSignal;
  /**
   * Stores a batch at {@link offset} and resolves with the new size once it is stored. Calls must not overlap.
   *
   * @throws {StreamError} `no_space`, `denied`, `changed`, `fenced`, `storage`. What was stored all the same is
   * counted by {@link offset}.
   */
  append(batch: Uint8Array): Promise<number>;
  /**
   * Looks whether what was stored is still there. Only drivers have it under which somebody else may take it away.
   *
   * @throws {StreamError} `changed`, `fenced`, `storage`.
   */
  verify?(): Promise<void>;
  /**
   * Leaves word that the append is about to end like this: should the process die before {@link release}, those who
   * {@link Store.watch} it hear that, and not `lost`. Only drivers have it that can be watched.
   */
  leaveEndMarker?(ended: EndReason): Promise<void>;
  /**
   * Gives the path back, and puts on record how the append ended. Further calls do nothing.
   *
   * @param ended How the append ended, for later readers and for those who {@link Store.watch} it. Without it nothing was
   * appended, and they hear nothing: they may be waiting for an append that goes on with somebody else.
   */
  release(ended?: EndReason): Promise<void>;
  /**
   * Gives the path back as if it had never been claimed: nothing was appended, and what the claim made goes again. As
   * {@link release} without a reason in drivers that do not have it.
   */
  discard?(): Promise<void>;
}

/** How to claim a path. */
export interface ClaimOptions {
  /** Whether to create the path, with its folders, when it does not exist. Default true. */
  create?: boolean;
  /** The media type of what is to be appended; goes on record unless there is one already. */
  type?: string | undefined;
  /** Gives up waiting for the claim. */
  signal?: AbortSignal;
  /**
   * Called when the path is to be had, before anything changes: before it is taken over from a process that is silent,
   * and before it is created. If it throws, everything stays as it is. May be called twice; a driver that does not call
   * it claims all the same.
   */
  check?: () => Promise<void>;
  /**
   * Milliseconds for which another process that has the path, and is silent, is spared after it could be taken over.
   * Default 0. One that has certainly ended is never spared. Only drivers look at it that other processes share.
   */
  spareMs?: number;
}

/** A resumable append session, as it outlives its connection and its server. There is at most one a path. */
export interface SessionRecord {
  /** The resource path. */
  readonly path: string;
  /** A digest of the session's token: whoever can read the store must not be able to resume. */
  readonly digest: string;
  /** Milliseconds left of its grace, once some of it was spent; nothing for all of it, or while it has a connection. */
  readonly graceLeftMs?: number;
}

/**
 * Keeps the sessions that are open.
 *
 * A process may stand still between deciding on a change and making it, for longer than its lease. `isOurs` is asked in
 * the very turn in which the change is made: if it says no, another process has the session, and nothing changes. Only
 * drivers look at it that other processes share.
 */
export interface SessionRecords {
  /** Keeps a session; it is stored when this resolves. Replaces the path's older one. */
  save(record: SessionRecord, isOurs?: () => boolean): Promise<void>;
  /** The open session of a path. */
  find(path: string): Promise<SessionRecord | undefined>;
  /** Forgets the session of a path. */
  remove(path: string, isOurs?: () => boolean): Promise<void>;
  /** All open sessions. */
  list(): Promise<SessionRecord[]>;
}

/** News of a resource that another process appends to. */
export interface Growth {
  /** Bytes stored now. */
  readonly size: number;
  /** Set once, at the end: how the append ended. */
  readonly ended?: EndReason;
}

/** What keeps the bytes. The core never asks which driver it has. */
export interface Store {
  /** The open sessions. */
  readonly sessions: SessionRecords;
  /**
   * The size and age of a resource; nothing when the path was never written or is a folder.
   *
   * @throws {StreamError} `path_conflict` below a resource, `denied` for one that can't be read, `storage`.
   */
  stat(path: string): Promise<StoreStat | undefined>;
  /**
   * Takes the right to append.
   *
   * @throws {StreamError} `conflict` while somebody holds it, `not_found` without `create`, `path_conflict`, `bad_path`, `denied`, `no_space`, `storage`.
   */
  claim(path: string, options?: ClaimOptions): Promise<AppendHandle>;
  /**
   * The bytes `from` (inclusive) to `to` (exclusive), read as they are asked for: a byte stream, which can be read into
   * the reader's own memory too. Errors with `changed` when the resource holds fewer, or is not there any more.
   *
   * @param signal Ends the stream early, without an error, and closes what it holds.
   * @param generation The content that the range belongs to. The stream errors with `replaced` when other content is
   * there by the time it is opened. Default: any.
   */
  read(path: string, from: number, to: number, signal?: AbortSignal, generation?: string): ReadableStream<Uint8Array>;
  /**
   * The rows of a folder, sorted by the bytes of their names in UTF-8; nothing when there is no such folder. There may be
   * hundreds of thousands: a row is looked at when it is asked for, and nothing is held before the first one is. What comes
   * or goes meanwhile may be missed.
   *
   * @throws {StreamError} `denied` for one that can't be read, `storage`.
   * @example
   * ```ts
   * for await (const { name, size } of (await store.list("build", { after: "42.log", limit: 100 })) ?? []) console.log(name, size);
   * ```
   */
  list(folder: string, options?: ListOptions): Promise<StoreListing | undefined>;
  /**
   * Removes a resource; says whether there was one.
   *
   * @throws {StreamError} `conflict` while somebody appends to it.
   */
  remove(path: string): Promise<boolean>;
  /** Removes what processes that have crashed left behind. */
  tidy?(): Promise<void>;
  /**
   * Asks the process that has a path for it, in the name of a session whose appender has come here. The result takes the
   * question back; until then no other process gets the path. Only drivers have it that other processes share.
   */
  requestHandover?(path: string): Promise<() => Promise<void>>;
  /**
   * News of a path that another process has claimed, until its append has ended; nothing when nobody has. The first
   * comes at once. Only drivers have it whose bytes other processes may write.
   *
   * @param signal Ends it, also while it waits for news.
   */
  watch?(path: string, signal: AbortSignal): Promise<AsyncGenerator<Growth, void, void> | undefined>;
}
