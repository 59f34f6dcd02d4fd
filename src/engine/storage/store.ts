/**
 * The Store contract: what the engine requires of a storage driver.
 *
 * A path is a resource path as `path.ts` produces it: segments joined by `/`, no leading slash, the empty string for
 * the root folder. Offsets and sizes are in bytes.
 * @module
 */
import type { EndedReason, EndReason } from "../../protocol/end-reason.ts";
import type { StreamChange, StreamRecords, StreamState } from "./stream-state.ts";
import type { SubscriptionRecords } from "./subscription-record.ts";

/** What a store knows about a path. */
export interface StoreStat {
  /** Bytes stored; the offset just past the last one. */
  readonly size: number;
  /** When the last byte was written. */
  readonly modified: Date;
  /**
   * Identifies the content of the path, in a few characters that can appear in a URL and can't be guessed. It changes when
   * the resource was removed, became shorter, or no longer has the bytes that are on record at its end. An append, a
   * restart, a takeover or a restore of the same bytes does not change it.
   */
  readonly generation: string;
  /** Whether an append is under way, in this process or in another one, or its session waits for its appender. */
  readonly appending?: boolean;
  /** Whether the claim that {@link appending} is about is idle, cached for the next request; see {@link ClaimOptions.kept}. */
  readonly kept?: boolean;
  /** How the last append ended; undefined while {@link appending}. */
  readonly ended?: EndedReason;
  /** The media type that an appender gave. Untrusted, like the bytes. */
  readonly type?: string;
  /**
   * The state of the path, if it is a stream; see {@link Store.streams}. That of a closed stream goes with its final size, so
   * the size must be checked last.
   */
  readonly stream?: StreamState;
}

/** One row of a folder listing. */
export interface StoreEntry {
  /** The last segment of the path. */
  readonly name: string;
  /** Whether it is a resource, or a folder of resources. */
  readonly kind: "file" | "folder";
  /** Bytes stored; 0 for a folder. */
  readonly size: number;
  /** When it was last changed. */
  readonly modified: Date;
  /** As {@link StoreStat.appending}; not for an idle claim, and never true for a folder. */
  readonly appending?: boolean;
}

/** Which rows of a folder to list. */
export interface ListOptions {
  /** Only names after this one. Default: all. */
  readonly after?: string;
  /** Maximum number of rows, a whole number. Default: all. */
  readonly limit?: number;
  /** Ends the listing early, with an error. */
  readonly signal?: AbortSignal;
}

/** Rows, each produced on demand. A driver with few rows may return an array. */
export type StoreListing = AsyncIterable<StoreEntry> | Iterable<StoreEntry>;

/** The right to append to a path. There is at most one per path at a time. */
export interface AppendHandle {
  /** Where the next byte goes: every byte before it is stored. Exact even after a failed {@link append}. */
  readonly offset: number;
  /** Whether the claim created the path. Omitted by drivers that do not know. */
  readonly created?: boolean;
  /** Increases with every claim of the path in the same process. */
  readonly epoch: number;
  /** The generation of the content that it appends to; see {@link StoreStat.generation}. */
  readonly generation: string;
  /** The media type on record, if any. */
  readonly type?: string | undefined;
  /** The state of the path, if it is a stream, after all that was appended; see {@link Store.streams}. */
  readonly stream?: StreamState | undefined;
  /**
   * What happened to the content, once {@link append} or {@link verify} has failed with `changed`: `failed` if the
   * content is still there, but another program has appended to it. Default `deleted`.
   */
  readonly fate?: "deleted" | "replaced" | "failed" | undefined;
  /** Whether the path was taken over from a silent process, which may wake up. */
  readonly wasSilent?: boolean;
  /** Aborts when the driver notices that another process has taken over the path. */
  readonly revoked: AbortSignal;
  /**
   * Whether another process has taken over the path; checks the storage if that is in doubt. Only for drivers that several
   * processes share; by default {@link revoked} is used.
   */
  isRevoked?(): boolean;
  /**
   * Aborts when another process calls {@link Store.requestHandover} for the path. Only for drivers that several
   * processes share.
   */
  readonly handoverRequested?: AbortSignal;
  /**
   * Stores a batch at {@link offset}; resolves with the new size in bytes once it is stored. Calls must not overlap.
   *
   * @param change What the batch changes of {@link stream}; the batch may be empty then. Both are stored, or neither is,
   * even if the process dies. Only with {@link Store.streams}.
   * @throws {StreamError} `no_space`, `denied`, `changed`, `fenced`, `storage`. {@link offset} counts a part that was
   * stored.
   */
  append(batch: Uint8Array, change?: StreamChange): Promise<number>;
  /**
   * Checks that everything stored is still there. Only for drivers whose content other programs can change.
   *
   * @throws {StreamError} `changed`, `fenced`, `storage`.
   */
  verify?(): Promise<void>;
  /**
   * Leaves an end marker: if the process dies before {@link release}, those that {@link Store.watch} the path get this
   * reason, and not `lost`. Only for drivers that can be watched.
   */
  leaveEndMarker?(ended: EndReason): Promise<void>;
  /**
   * Releases the path, and records how the append ended. Further calls do nothing.
   *
   * @param ended How the append ended, for later readers and for those that {@link Store.watch} the path. Omitted if
   * nothing was appended; then watchers get no end, since another process may continue the append.
   */
  release(ended?: EndReason): Promise<void>;
  /**
   * Releases the path as if it had never been claimed: nothing was appended, and what the claim created is removed.
   * Drivers may omit it; then {@link release} is called instead.
   */
  discard?(): Promise<void>;
}

/** How to claim a path. */
export interface ClaimOptions {
  /** Whether to create the path, with its folders, if it does not exist. Default true. */
  create?: boolean;
  /** The media type of the appended bytes; recorded unless one is on record already. */
  type?: string | undefined;
  /**
   * Whether the claim is cached between many short appends. To readers, also in other processes, the path then has no
   * appender. Default false.
   */
  kept?: boolean;
  /** Cancels the claim while it is pending. */
  signal?: AbortSignal;
  /**
   * Called when the path can be claimed, before anything changes: before it is taken over from a silent process, and
   * before it is created. If it throws, nothing changes. May be called twice; a driver may also claim the path without
   * calling it.
   */
  check?: () => Promise<void>;
  /**
   * Milliseconds to wait, beyond the lease, before the path is taken from a process that shows no sign of life. Default
   * 0. The path of a process that has certainly ended is taken at once. Only for drivers that several processes share.
   */
  extraLeaseMs?: number;
}

/** The record of a resumable append session, which outlives its connection and its server. At most one per path. */
export interface SessionRecord {
  /** The resource path. */
  readonly path: string;
  /** A digest of the session's token: a reader of the store must not be able to resume the session. */
  readonly digest: string;
  /** Milliseconds left of its grace period. Undefined for all of it, as while the session has a connection. */
  readonly graceLeftMs?: number;
}

/**
 * Stores the open sessions.
 *
 * A process may be suspended between the decision to change a record and the change, for longer than its lease. So
 * `isOurs` is called in the same turn as the change: if it returns false, another process holds the session, and
 * nothing changes. Only drivers that several processes share call it.
 */
export interface SessionRecords {
  /** Saves a session; it is stored when this resolves. Replaces an older session of the path. */
  save(record: SessionRecord, isOurs?: () => boolean): Promise<void>;
  /** Finds the open session of a path; undefined if there is none. */
  find(path: string): Promise<SessionRecord | undefined>;
  /** Removes the session of a path. */
  remove(path: string, isOurs?: () => boolean): Promise<void>;
  /** Lists all open sessions. */
  list(): Promise<SessionRecord[]>;
}

/** An update on a resource that another process appends to. */
export interface Growth {
  /** Bytes stored now. */
  readonly size: number;
  /**
   * The bytes from the size of the previous update up to {@link size}. Omitted if the driver does not have them; then they are
   * read from the store. A driver keeps at most 8 MiB for a reader that is slow: beyond that, it omits the bytes, and
   * reports only sizes. The receiver must not modify them.
   */
  readonly bytes?: Uint8Array;
  /**
   * Whether the path is a stream that is closed, with {@link size} as its final size. Omitted if the driver does not know;
   * then the server looks at the path before it passes the bytes on.
   */
  readonly closed?: boolean;
  /** Set once, in the last update: how the append ended. */
  readonly ended?: EndReason;
}

/** Stores the bytes. The engine never asks which driver it has. */
export interface Store {
  /**
   * Whether nothing but this process can change the data. Otherwise the server polls each path that a standing follow
   * waits at, about once per second. Default: false.
   */
  readonly isPrivate?: boolean;
  /** The open sessions. */
  readonly sessions: SessionRecords;
  /**
   * The size, age and state of a resource; undefined if the path does not exist or is a folder.
   *
   * @throws {StreamError} `path_conflict` for a path below a resource, `denied` if it can't be read, `storage`.
   */
  stat(path: string): Promise<StoreStat | undefined>;
  /**
   * Claims the right to append.
   *
   * @throws {StreamError} `conflict` while another appender holds it, `not_found` without `create`, `path_conflict`,
   * `bad_path`, `denied`, `no_space`, `storage`.
   */
  claim(path: string, options?: ClaimOptions): Promise<AppendHandle>;
  /**
   * The bytes from `from` (inclusive) to `to` (exclusive), read on demand. Preferably a byte stream, which can also be
   * read into the reader's own memory. Errors with `changed` if the resource has fewer bytes, or no longer exists.
   *
   * @param signal Ends the stream early, without an error, and closes what it holds.
   * @param generation The generation that the range belongs to. The stream errors with `replaced` if the path has
   * another one when it is opened. Default: any.
   */
  read(path: string, from: number, to: number, signal?: AbortSignal, generation?: string): ReadableStream<Uint8Array>;
  /**
   * The rows of a folder, sorted by the UTF-8 bytes of their names; undefined if there is no such folder. There may be
   * hundreds of thousands of rows: each is read on demand, and nothing is held before the first one is requested. Rows
   * that appear or disappear meanwhile may be missed.
   *
   * @throws {StreamError} `denied` if the folder can't be read, `bad_request` for an invalid option, `storage`.
   * @example
   * ```ts
   * const rows = await store.list("build", { after: "42.log", limit: 100 });
   * for await (const { name, size } of rows ?? []) console.log(name, size);
   * ```
   */
  list(folder: string, options?: ListOptions): Promise<StoreListing | undefined>;
  /**
   * Removes a resource and what is on record about it; resolves to whether there was one. No append can begin meanwhile.
   *
   * @param check Called once it is certain that the path exists and has no appender. If it throws, nothing is removed.
   * @throws {StreamError} `conflict` while the path has an appender; errors of `check`.
   */
  remove(path: string, check?: () => Promise<void>): Promise<boolean>;
  /** What is on record of streams. A driver without it stores plain files only: Durable Streams are off. */
  readonly streams?: StreamRecords;
  /** What is on record of subscriptions to streams. Without it, subscriptions are off. */
  readonly subscriptions?: SubscriptionRecords;
  /** Bytes that can still be stored; undefined if that is unknown. New appends are refused below `limits.storeFreeBytes`. */
  freeBytes?(): Promise<number | undefined>;
  /** Bytes of all resources. At `limits.storeBytes`, appends are refused. Without it, that limit does not hold. */
  usedBytes?(): Promise<number>;
  /** Removes what crashed processes left behind. */
  tidy?(): Promise<void>;
  /**
   * Requests a path from the process that holds it, for a session whose appender has connected here. Call the result to
   * withdraw the request; until then, no other process gets the path. Only for drivers that several processes share.
   */
  requestHandover?(path: string): Promise<() => Promise<void>>;
  /**
   * Updates on a path that another process has claimed, until its append has ended; undefined if no process has. The first
   * update comes at once. Only for drivers whose bytes other processes may write.
   *
   * @param signal Ends the updates, even while one is pending.
   */
  watch?(path: string, signal: AbortSignal): Promise<AsyncGenerator<Growth, void, void> | undefined>;
  /**
   * Calls `heard` soon after another process has begun to append to a path, has appended to it, or has ended its append. Call the
   * result to stop. This is a hint, which saves waiting for the next poll: some changes may be missed, and some notices
   * may come without a change. Only for drivers whose bytes other processes may write.
   */
  notices?(path: string, heard: () => void): () => void;
}
