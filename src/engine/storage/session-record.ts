/**
 * The records of append sessions.
 * @module
 */

/** The record of a resumable append session, which outlives its connection and its server. At most one per path. */
export interface SessionRecord {
  /** The resource path. */
  readonly path: string;
  /** A digest of the session's token: a reader of the store must not be able to resume the session. */
  readonly digest: string;
  /** Milliseconds left of its grace period. Undefined for all of it, as while the session has a connection. */
  readonly graceLeftMs?: number;
}

/** The claim under which a process changes a session. */
export interface SessionClaim {
  /** The epoch of the claim; see {@link AppendHandle.epoch}. */
  readonly epoch: number;
  /** Whether no other process has taken over the path, as far as this process can find out at once. */
  isOurs(): boolean;
}

/**
 * Stores the open sessions.
 *
 * A process may be suspended between the decision to change a record and the change, for longer than its lease, and then
 * wake up. Its change must not reach the record of its successor: if another process has claimed the path since, a change under
 * the former claim does nothing. Drivers that several processes share choose how. One whose storage is on the same machine
 * calls {@link SessionClaim.isOurs} in the turn of the change. One whose storage is elsewhere keeps the greatest
 * {@link SessionClaim.epoch} with the record, makes each change conditional on it, and refuses a lower one with `fenced`.
 * The server saves the record of a session that it adopts under its own claim at once.
 */
export interface SessionRecords {
  /**
   * Saves a session; it is stored when this resolves. Replaces an older session of the path.
   *
   * @param claim The claim of the process that holds the session. Default: the path was not claimed; the record is saved in any
   * case.
   * @throws {StreamError} `fenced`, `storage`, `no_space`, `unavailable`.
   */
  save(record: SessionRecord, claim?: SessionClaim): Promise<void>;
  /** Finds the open session of a path; undefined if there is none. */
  find(path: string): Promise<SessionRecord | undefined>;
  /**
   * Removes the session of a path.
   *
   * @param claim As for {@link save}.
   * @throws {StreamError} `fenced`, `storage`, `unavailable`.
   */
  remove(path: string, claim?: SessionClaim): Promise<void>;
  /**
   * Lists the open sessions. A server adopts those of ended processes when it starts, so a driver may leave out those
   * whose process is alive.
   */
  list(): Promise<SessionRecord[]>;
}
