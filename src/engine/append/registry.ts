/**
 * The registry of appends: one channel per path, from its claim to its end.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Followable, Outcome } from "../follow/followable.ts";
import { RecentPool } from "../follow/recent-chunks.ts";
import { RemoteChannels } from "../follow/remote-channels.ts";
import type { Limits } from "../limits.ts";
import { heldByAppender, heldDuringGrace } from "../storage/conflicts.ts";
import type { AppendHandle, Store } from "../storage/store.ts";
import { type AppenderEvents, Batcher } from "./batcher.ts";
import { Channel } from "./channel.ts";
import { mostLeftMs } from "./grace-left.ts";
import {
  checkAfterClaim,
  checkBeforeClaim,
  checkRequiredGeneration,
  mustExist,
  type PathPreconditions,
} from "./preconditions.ts";

/** Ends a connection when the server shuts down; resolves when the connection has ended. */
export type Closer = () => Promise<void>;

/** The append of a path, from before its claim until the path is free again. */
interface AppendSlot {
  channel: Channel | undefined;
  ending: boolean;
  /** Resolves when the claim has succeeded or failed. */
  readonly claimed: Promise<void>;
  readonly free: Promise<void>;
  /** Undefined until {@link Admission.connect}. */
  owner: AppendOwner | undefined;
}

/** The owner of an admission, as the registry calls it. */
export interface AppendOwner extends AppenderEvents {
  /** Whether the appender has sent its close frame, although its connection is still open. If so, ends the append. */
  endIfLeft?(): boolean;
  /** Milliseconds until the path will be free, if known. */
  retryAfterMs?(): number | undefined;
  /** Called on shutdown, once the connections have ended: ends an append that has no connection. */
  shutDown?(): Promise<unknown>;
}

/** Preconditions for an append, and how to claim its path. */
export interface AppendPreconditions extends PathPreconditions {
  /** Whether to create the path if it does not exist. Default true. */
  readonly create?: boolean;
  /** The digest of the session to resume. A path with any other session on record is refused. */
  readonly session?: string;
  /** Milliseconds; see {@link ClaimOptions.extraLeaseMs}. Default 0. */
  readonly extraLeaseMs?: number;
  /** The media type of the appended bytes; see {@link ClaimOptions.type}. */
  readonly type?: string | undefined;
  /** Called after the claim, before the path can be followed. If it throws, the path is released. */
  prepare?(handle: AppendHandle): Promise<void>;
}

/** A source to follow, leased until `leave` is called. */
export interface LeasedSource {
  readonly source: Followable;
  leave(): void;
}

/** An appender that the registry has admitted. */
export interface Admission {
  readonly batcher: Batcher;
  /** Names the owner, which gets all events from here on. Call it in the turn in which the append was admitted. */
  connect(owner: AppendOwner): void;
  /** Ends the append; see {@link Batcher.end}. The path is free when this resolves. */
  end(reason: EndReason, unused?: boolean): Promise<Outcome>;
}

/** The paths of one server that have an appender. */
export class AppendRegistry {
  readonly store: Store;
  readonly limits: Readonly<Limits>;
  readonly #slots = new Map<string, AppendSlot>();
  readonly #remotes: RemoteChannels;
  readonly #closers = new Set<Closer>();
  readonly #recent: RecentPool;
  readonly #onFailure: (path: string, error: StreamError) => void;
  #closing: Promise<void> | undefined;

  /**
   * @param store Stores the bytes.
   * @param limits The server's limits.
   * @param onFailure Called when storing an append fails, or reading what another process appends. Default: does
   * nothing.
   */
  constructor(
    store: Store,
    limits: Readonly<Limits>,
    onFailure: (path: string, error: StreamError) => void = () => {},
  ) {
    this.store = store;
    this.#onFailure = onFailure;
    this.limits = limits;
    this.#recent = new RecentPool(limits.recentBytes);
    this.#remotes = new RemoteChannels(store, onFailure);
  }

  /** Whether the server is shutting down. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Whether a path has an appender in this process, or a pending claim. */
  isTaken(path: string): boolean {
    return this.#slots.has(path);
  }

  /** Leases the append to a path, in this process or in another one; undefined if there is none. */
  async lease(path: string): Promise<LeasedSource | undefined> {
    for (let slot = this.#slots.get(path); slot; slot = this.#slots.get(path)) {
      const { channel } = slot;
      if (channel && channel.outcome?.reason !== "restarting") return { source: channel, leave: () => {} };
      // The pending claim may fail or move to another process, as may a channel that is handed over; look again.
      await (channel ? slot.free : slot.claimed);
    }
    const remote = await this.#remotes.lease(path);
    if (!remote) return undefined;
    await remote.source.refresh();
    return remote;
  }

  /** Starts watching a path before handover so local followers miss nothing; call the result to stop. */
  async watchHandover(path: string): Promise<() => void> {
    return (await this.#remotes.lease(path))?.leave ?? (() => {});
  }

  /**
   * Admits an appender. Once this resolves, the appender holds the path, and the path exists.
   *
   * @throws {StreamError} `replaced` for another generation than required, `conflict` if the path has an appender,
   * `precondition_failed` for another size than required, `restarting` on shutdown; what {@link Store.claim},
   * `terms.check` and `terms.prepare` throw.
   */
  async admit(path: string, terms: AppendPreconditions = {}): Promise<Admission> {
    // Checked first: a client that continues replaced content is refused without waiting for the path to be free.
    await checkRequiredGeneration(this.store, path, terms);
    for (let slot = this.#slots.get(path); slot; slot = this.#slots.get(path)) {
      this.assertFree(path);
      await slot.free;
    }
    this.assertOpen();
    const { promise: free, resolve: setFree } = deferred();
    const { promise: claimed, resolve: setClaimed } = deferred();
    const slot: AppendSlot = { channel: undefined, ending: false, claimed, free, owner: undefined };
    this.#slots.set(path, slot);
    const leave = () => {
      this.#slots.delete(path);
      setFree();
    };
    try {
      const channel = new Channel(path, await this.#claim(path, terms), this.#recent);
      slot.channel = channel;
      const batcher = new Batcher(channel, this.limits, this.#eventsOf(slot, path));
      const end = (reason: EndReason, unused?: boolean): Promise<Outcome> => {
        slot.ending = true;
        return batcher.end(reason, unused).finally(leave);
      };
      const connect = (owner: AppendOwner): void => {
        slot.owner = owner;
        if (batcher.error) owner.failed?.(batcher.error);
      };
      return { batcher, connect, end };
    } catch (error) {
      leave();
      throw error;
    } finally {
      setClaimed();
    }
  }

  /** @throws {StreamError} `conflict` if an appender holds the path and is not leaving. */
  assertFree(path: string): void {
    const slot = this.#slots.get(path);
    if (!slot || slot.ending || slot.owner?.endIfLeft?.()) return;
    const leftMs = slot.owner?.retryAfterMs?.();
    throw leftMs === undefined ? heldByAppender(path) : heldDuringGrace(path, leftMs);
  }

  /**
   * Registers a connection to end on shutdown; call the result to unregister it.
   *
   * @throws {StreamError} `restarting` if the shutdown has begun.
   */
  onClose(closer: Closer): () => void {
    this.assertOpen();
    this.#closers.add(closer);
    return () => this.#closers.delete(closer);
  }

  /** @throws {StreamError} `restarting` if the shutdown has begun. */
  assertOpen(): void {
    if (this.closing) {
      throw new StreamError("restarting", "The server is shutting down. Try again in a moment.", {
        headers: { "Retry-After": "1" },
      });
    }
  }

  /** Ends every connection, stores all accepted bytes, and releases every path. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Yield first, so that the closers already see `closing` as true.
    await undefined;
    await Promise.allSettled([...this.#closers].map((close) => close()));
    await Promise.allSettled([...this.#slots.values()].map((slot) => slot.owner?.shutDown?.()));
    await Promise.all([...this.#slots.values()].map((slot) => slot.free));
  }

  /** Passes the events of a batcher on to the owner of its append, and each failure also to the server. */
  #eventsOf(slot: AppendSlot, path: string): AppenderEvents {
    return {
      stored: (offset) => slot.owner?.stored?.(offset),
      failed: (error) => {
        this.#onFailure(path, error);
        slot.owner?.failed?.(error);
      },
    };
  }

  async #claim(path: string, terms: AppendPreconditions): Promise<AppendHandle> {
    const before = await checkBeforeClaim(this.store, path, terms);
    let isChecked = false;
    // The server of an open session may have died after it was last seen alive, and before this claim.
    const check = async (): Promise<void> => {
      isChecked = true;
      const open = await this.store.sessions.find(path);
      if (open && open.digest !== terms.session) throw heldDuringGrace(path, open.graceLeftMs ?? 1_000);
    };
    const create = !mustExist(terms) && terms.create !== false;
    const options = { create, check, extraLeaseMs: terms.extraLeaseMs ?? 0, type: terms.type };
    const handle = await this.store.claim(path, options).catch(async (error) => {
      // The path was removed after the first check. The second check throws if the preconditions require it to exist.
      if (isNotFound(error)) await checkBeforeClaim(this.store, path, terms);
      throw await this.#refused(path, error);
    });
    try {
      // A shutdown that began during the claim does not know this append, and would wait for it.
      this.assertOpen();
      // Not every store calls `check`.
      if (!isChecked) await check();
      await checkAfterClaim(this.store, { path, before, handle }, terms);
      await terms.prepare?.(handle);
      return handle;
    } catch (error) {
      await (handle.discard?.() ?? handle.release());
      throw error;
    }
  }

  /** Refines a conflict: the append of another process may be in its grace period, with the time left on record. */
  async #refused(path: string, error: unknown): Promise<unknown> {
    if (!(error instanceof StreamError) || error.code !== "conflict") return error;
    const open = await this.store.sessions.find(path).catch(() => undefined);
    if (open?.graceLeftMs === undefined) {
      return open ? new StreamError(error.code, error.message, { path, headers: { "Retry-After": "1" } }) : error;
    }
    return heldDuringGrace(path, mostLeftMs(open.graceLeftMs, this.limits.graceMs));
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof StreamError && error.code === "not_found";
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
