/**
 * What is known of a path: whether it exists, its size, its type, whether it has an appender.
 * @module
 */
import type { StoreStat } from "../../../engine/storage/store.ts";
import type { StreamState } from "../../../engine/storage/stream-state.ts";
import { ask, type Outcome } from "../nodes/questions.ts";
import type { PathState } from "../records/note.ts";
import { claimOf, endedOf, endOf, isClaimed, isFile, type PathRecord } from "../records/record.ts";
import type { Core } from "./core.ts";
import type { Folders } from "./folders.ts";

/**
 * `free`: the path has no claim. `kept`: a claim is cached for the next append. `appending`: an append is under way.
 */
export type ClaimState = "free" | "kept" | "appending";

/** Looks at paths. */
export class Looks {
  readonly #core: Core;
  readonly #folders: Folders;
  readonly #hasSession: (path: string) => Promise<boolean>;

  /** @param hasSession Whether a path has a session on record. */
  constructor(core: Core, folders: Folders, hasSession: (path: string) => Promise<boolean>) {
    this.#core = core;
    this.#folders = folders;
    this.#hasSession = hasSession;
  }

  /**
   * As {@link Store.stat}.
   *
   * @throws {StreamError} as {@link Store.stat}.
   */
  async stat(path: string): Promise<StoreStat | undefined> {
    if (path === "") return undefined;
    const place = this.#core.layout.placeOf(path);
    const [tail, hasSession] = await Promise.all([this.#core.tails.of(place), this.#hasSession(path)]);
    const { stored } = tail;
    const record = stored?.record;
    if (!record || record.type === "x") {
      await this.#folders.refuseBelowResource(path);
      return undefined;
    }
    if (!isFile(record) || record.isIncomplete) return undefined;
    const [state, claimState] = await Promise.all([
      this.#core.states.after(place, stored),
      this.claimState(path, record),
    ]);
    return statOf(record, state, claimState, hasSession);
  }

  /**
   * The state of a path, also of one that was never completed. `isThere` is false if the path does not exist.
   *
   * @throws {StreamError} what reading throws.
   */
  async state(path: string): Promise<{ readonly isThere: boolean; readonly stream: StreamState | undefined }> {
    const place = this.#core.layout.placeOf(path);
    const { stored } = await this.#core.tails.of(place);
    if (!stored || !isFile(stored.record)) return { isThere: false, stream: undefined };
    return { isThere: true, stream: (await this.#core.states.after(place, stored)).stream };
  }

  /** The state of the claim of a path, by its last record. */
  async claimState(path: string, record: PathRecord): Promise<ClaimState> {
    if (!isClaimed(record)) return "free";
    const { node, isKept = false } = record;
    const isMine = node === this.#core.node;
    const isOwned = isMine
      ? this.#core.ownClaims.get(path)?.seq === claimOf(record)
      : (await this.#core.directory.isAlive(node)) || (await this.#isConnected(path, record));
    return isOwned ? (isKept ? "kept" : "appending") : "free";
  }

  /** Whether a node without a lease still owns the path: after an outage, leases are missing until they are renewed. */
  async #isConnected(path: string, record: PathRecord): Promise<boolean> {
    const answer = await askOwner(this.#core, path, record);
    return answer === "yes" || answer === "ending";
  }
}

/** Asks the node that wrote the last record of a path whether it owns the path. */
export function askOwner(core: Core, path: string, record: PathRecord): Promise<Outcome> {
  const question = { kind: "holds", path, node: core.node, claim: claimOf(record) } as const;
  return ask(core.calls.connection, core.layout, record.node, question);
}

function statOf(
  record: PathRecord,
  { type, stream }: PathState,
  claimState: ClaimState,
  hasSession: boolean,
): StoreStat {
  const isAppended = claimState !== "free" || hasSession;
  // The claim of a session is never cached.
  const isKept = claimState === "kept" && !hasSession;
  return {
    size: endOf(record),
    modified: new Date(record.modifiedMs),
    generation: record.generation,
    ...(isAppended ? { appending: true, ...(isKept && { kept: true }) } : { appending: false, ended: endedOf(record) }),
    ...(type !== undefined && { type }),
    ...(stream && { stream }),
  };
}
