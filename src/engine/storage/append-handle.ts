/**
 * The right to append to a path, and how to claim it.
 * @module
 */
import type { EndReason } from "../../protocol/end-reason.ts";
import type { StreamChange, StreamState } from "./stream-state.ts";

/** The right to append to a path. There is at most one per path at a time. */
export interface AppendHandle {
  /**
   * The offset of the next byte: every byte before it is stored. Exact even after a failed {@link append}, except after
   * `unavailable`: then it counts the bytes that are certainly stored.
   */
  readonly offset: number;
  /** Whether the claim created the path. Omitted by drivers that do not know. */
  readonly created?: boolean;
  /**
   * Increases with every claim of the path in the same process. With a driver that keeps the storage on other machines,
   * it increases with every claim of the path in any process.
   */
  readonly epoch: number;
  /** The generation of the content to which this handle appends; see {@link StoreStat.generation}. */
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
  /**
   * Aborts when the driver notices that another process has taken over the path, and when an {@link append} rejects with
   * `unavailable`. The reason is the error.
   */
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
   * @throws {StreamError} `no_space`, `denied`, `changed`, `fenced`, `storage`: {@link offset} counts a part that was
   * stored. `unavailable` if the driver can't find out whether the batch is stored: it may be stored now, later or
   * never. Then the handle is revoked, and only the next claim finds out the offset of the next byte. That claim must
   * make sure that nothing of this handle is stored after it.
   */
  append(batch: Uint8Array, change?: StreamChange): Promise<number>;
  /**
   * Checks that everything stored is still there. Only for drivers whose content other programs can change.
   *
   * @throws {StreamError} `changed`, `fenced`, `storage`, `unavailable`.
   */
  verify?(): Promise<void>;
  /**
   * Leaves an end marker: if the process dies before {@link release}, watchers of the path ({@link Store.watch}) get
   * this reason, and not `lost`. Only for drivers that can be watched.
   */
  leaveEndMarker?(ended: EndReason): Promise<void>;
  /**
   * Releases the path, and records how the append ended. Further calls do nothing.
   *
   * @param ended How the append ended, for later readers and for watchers of the path ({@link Store.watch}). Omitted if
   * nothing was appended; then watchers get no end, because another process may continue the append.
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
  /**
   * Whether the append is about to end: its appender has left, accepted bytes are still being stored, or the claim is
   * only cached. The call makes an append that stays open only for its appender begin to end. A driver that several
   * processes share calls it when another process claims the path: if it returns true, the claim of that process waits
   * for the release, and otherwise fails with `conflict`. It does not throw. Default: never.
   */
  isLeaving?: () => boolean;
}
