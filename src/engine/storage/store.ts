/**
 * The Store contract: what the engine requires of a storage driver.
 *
 * A path is a resource path as `path.ts` produces it: segments joined by `/`, no leading slash, the empty string for
 * the root folder. Offsets and sizes are in bytes.
 * @module
 */
import type { EndedReason, EndReason } from "../../protocol/end-reason.ts";
import type { AppendHandle, ClaimOptions } from "./append-handle.ts";
import type { SessionRecords } from "./session-record.ts";
import type { StreamRecords, StreamState } from "./stream-state.ts";
import type { SubscriptionRecords } from "./subscription-record.ts";

export type { AppendHandle, ClaimOptions } from "./append-handle.ts";
export type { SessionClaim, SessionRecord, SessionRecords } from "./session-record.ts";

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
  /** Whether the claim behind {@link appending} is idle, cached for the next request; see {@link ClaimOptions.kept}. */
  readonly kept?: boolean;
  /** How the last append ended; undefined while {@link appending}. */
  readonly ended?: EndedReason;
  /** The media type that an appender gave. Untrusted, like the bytes. */
  readonly type?: string;
  /**
   * The state of the path, if it is a stream; see {@link Store.streams}. A closed stream must be returned with its
   * final size, so check the size last.
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

/** An update on a resource that another process appends to. */
export interface AppendUpdate {
  /** Bytes stored now. */
  readonly size: number;
  /**
   * The bytes from the size of the previous update up to {@link size}. Omitted if the driver does not have them; then
   * they are read from the store. A driver keeps at most 8 MiB for a slow reader; beyond that, it omits the bytes, and
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

/**
 * The counts of a driver that several processes share since it was opened, for the operator. Omit those that do not
 * apply.
 */
export interface StoreCounts {
  /** Writes that were tried again: they were refused because of another write, or had no answer. */
  readonly retries?: number;
  /** Claims of this process that ended because another process has taken the path. */
  readonly fenced?: number;
  /** Claims of this process that took a path from a process that had not released it. */
  readonly takeovers?: number;
  /** Appends of other processes that are watched now. */
  readonly taps?: number;
  /** How often updates of a watched append may have been missed, so that the store was read again. */
  readonly tapGaps?: number;
  /** Milliseconds since the lease of this process was last stored. */
  readonly leaseAgeMs?: number;
}

/** Stores the bytes. The engine never asks which driver it has. */
export interface Store {
  /**
   * Whether only this process can change the data. Otherwise the server polls each path at which a standing follow
   * waits, about once per second. Default: false.
   */
  readonly isPrivate?: boolean;
  /**
   * Milliseconds for which {@link stat}, {@link read}, {@link list} and the records may answer with the state before a
   * change of another process. They must show a change that was acknowledged longer ago, and all changes of this
   * process. A {@link claim}, and all answers about a path that this process has claimed, must show every change.
   * Before the server refuses a request because it does not find something, it looks again: after a {@link barrier}, or
   * after this time. Default: they are never stale.
   */
  readonly maxStaleMs?: number | undefined;
  /**
   * Stores a barrier, which only servers with a majority can do. Later answers about the path show its state at the
   * time of this call, or a later one. With it, the server refuses a request after two looks with a barrier between
   * them; without it, after {@link maxStaleMs}. Default: none.
   *
   * @throws {StreamError} `unavailable`, `storage`.
   */
  barrier?(path: string): Promise<void>;
  /**
   * Bytes of the largest batch for {@link AppendHandle.append}. Constant once {@link open} has resolved. A greater
   * `limits.batchBytes` is refused. Default: no limit.
   */
  readonly maxBatchBytes?: number | undefined;
  /**
   * The same for a batch with a change, which is stored as a whole or not at all. Larger bodies are refused with `too_large`.
   * Default: {@link maxBatchBytes}.
   */
  readonly maxWholeBatchBytes?: number | undefined;
  /** The open sessions. */
  readonly sessions: SessionRecords;
  /**
   * The size, age and state of a resource; undefined if the path does not exist or is a folder.
   *
   * @throws {StreamError} `path_conflict` for a path below a resource, `denied` if it can't be read, `storage`,
   * `unavailable`.
   */
  stat(path: string): Promise<StoreStat | undefined>;
  /**
   * Claims the right to append. If another process holds the path and its append is about to end, see
   * {@link ClaimOptions.isLeaving}, this waits for the end, for a few seconds at most.
   *
   * @throws {StreamError} `conflict` while another appender holds it, with `Retry-After` if the driver knows for how long;
   * `not_found` without `create`, `path_conflict`, `bad_path`, `denied`, `no_space`, `storage`, `unavailable`.
   */
  claim(path: string, options?: ClaimOptions): Promise<AppendHandle>;
  /**
   * The bytes from `from` (inclusive) to `to` (exclusive), read on demand. Preferably a byte stream, which can also be
   * read into the reader's own memory. Errors with `changed` if the resource has fewer bytes, or no longer exists; with
   * `unavailable`, `denied` or `storage`. A driver that may be stale looks again, for {@link maxStaleMs}, before it errors with
   * `changed` or `replaced`; see `lookAgain`.
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
   * @throws {StreamError} `denied` if the folder can't be read, `bad_request` for an invalid option, `storage`,
   * `unavailable`.
   * @example
   * ```ts
   * const rows = await store.list("build", { after: "42.log", limit: 100 });
   * for await (const { name, size } of rows ?? []) console.log(name, size);
   * ```
   */
  list(folder: string, options?: ListOptions): Promise<StoreListing | undefined>;
  /**
   * The names of the folders in a folder below which other servers append, at any depth; not for idle claims. A server that
   * does not answer in time is left out. Without it, a folder counts as live only for the appends of its own server.
   */
  appendedBelow?(folder: string): Promise<ReadonlySet<string>>;
  /**
   * Removes a resource and everything on record about it; resolves to whether there was one. No append can begin
   * meanwhile. Waits for an append of another process that is about to end, as {@link claim} does.
   *
   * @param check Called once it is certain that the path exists and has no appender. If it throws, nothing is removed.
   * @throws {StreamError} `conflict` while the path has an appender; errors of `check`.
   */
  remove(path: string, check?: () => Promise<void>): Promise<boolean>;
  /** The records of streams. A driver without them stores plain files only: Durable Streams are off. */
  readonly streams?: StreamRecords;
  /** The records of subscriptions to streams. Without them, subscriptions are off. */
  readonly subscriptions?: SubscriptionRecords;
  /** Bytes that can still be stored; undefined if that is unknown. New appends are refused below `limits.storeFreeBytes`. */
  freeBytes?(): Promise<number | undefined>;
  /** Bytes of all resources. At `limits.storeBytes`, appends are refused. Without it, that limit does not hold. */
  usedBytes?(): Promise<number>;
  /**
   * Connects. An app calls it when it is created, the server before it listens, and each use after a failure calls it
   * again. Only {@link health} is called before it has resolved.
   *
   * @throws {StreamError} `unavailable` if it may succeed later, any other code if it can't. The operator reads the
   * message; clients do not.
   */
  open?(): Promise<void>;
  /** Disconnects. Called at the end of a shutdown, when all paths are released; nothing else is called after it. */
  close?(): Promise<void>;
  /**
   * Why the store can't serve requests now, in one line for the operator; undefined if it can. Must answer within a second, and
   * must not reject.
   */
  health?(): Promise<string | undefined>;
  /** The counts of the driver, for the metrics of the server. Must not throw. Default: none. */
  counts?(): StoreCounts;
  /** Removes what crashed processes left behind. */
  tidy?(): Promise<void>;
  /**
   * Requests a path from the process that holds it, for a session whose appender has connected here. Call the result to
   * withdraw the request; until then, no other process gets the path. Only for drivers that several processes share.
   */
  requestHandover?(path: string): Promise<() => Promise<void>>;
  /**
   * Updates on a path that another process has claimed, until its append has ended; undefined if no process has. The first
   * update comes at once. Errors with `replaced` once the path has other content. Only for drivers whose bytes other
   * processes may write.
   *
   * @param signal Ends the updates, even while one is pending.
   */
  watch?(path: string, signal: AbortSignal): Promise<AsyncGenerator<AppendUpdate, void, void> | undefined>;
  /**
   * Calls `heard` soon after another process has begun to append to a path, has appended to it, or has ended its append. Call the
   * result to stop. This is a hint, which saves waiting for the next poll: some changes may be missed, and some notices
   * may come without a change. Only for drivers whose bytes other processes may write.
   */
  notices?(path: string, heard: () => void): () => void;
}
