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
import { appenderConflict, graceConflict } from "../storage/conflicts.ts";
import type { Store } from "../storage/store.ts";
import { AppendCounts, type Opener } from "./append-counts.ts";
import {
  type AppendOwner,
  type AppendSlot,
  Arrivals,
  isLeaving,
  newSlot,
  type Reservation,
  yieldsToOthers,
} from "./append-slot.ts";
import { BatchSizes } from "./batch-sizes.ts";
import { type AppenderEvents, Batcher } from "./batcher.ts";
import { Channel } from "./channel.ts";
import { type AppendPreconditions, claimPath } from "./claim.ts";
import { FreeSpace } from "./free-space.ts";
import { PathNotices } from "./path-notices.ts";
import { checkRequiredGeneration } from "./preconditions.ts";
import { UsedSpace } from "./used-space.ts";

/** Ends a connection when the server shuts down; resolves when the connection has ended. */
export type Closer = () => Promise<void>;

/** A source to follow, leased until `leave` is called. */
export interface LeasedSource {
  readonly source: Followable;
  leave(): void;
}

/** An appender that the registry has admitted. */
export interface Admission {
  readonly batcher: Batcher;
  /** Sets the owner, which gets all events from here on. Call it in the turn in which the append was admitted. */
  connect(owner: AppendOwner): void;
  /**
   * Ends the append; see {@link Batcher.end}. The path is free when this resolves.
   *
   * @param error What ends it, if it failed. Default: a failure of storing, if there was one.
   */
  end(reason: EndReason, unused?: boolean, error?: StreamError): Promise<Outcome>;
}

/** Callbacks of an {@link AppendRegistry}. They must not throw. */
export interface RegistryEvents {
  /** An appender was admitted. */
  began?(channel: Channel): void;
  /** An append has ended, and its path is free. `error` is what ended it, if it failed. */
  ended?(channel: Channel, outcome: Outcome, error: StreamError | undefined): void;
  /** Bytes were stored at a path. Called for each batch. */
  stored?(path: string): void;
  /** A resource was removed, perhaps by a request. */
  removed?(path: string, requestId?: string): void;
  /** Storing an append failed, or reading what another process appends. */
  failed?(path: string, error: StreamError): void;
}

/** The paths of one server that have an appender. */
export class AppendRegistry {
  readonly store: Store;
  readonly limits: Readonly<Limits>;
  /** Sends a notice when an append begins, and when a path is removed. */
  readonly notices: PathNotices = new PathNotices();
  readonly counts: AppendCounts;
  readonly space: FreeSpace;
  readonly used: UsedSpace;
  readonly batchSizes: BatchSizes;
  beforeRaw: ((path: string) => Promise<void>) | undefined;
  readonly #slots = new Map<string, AppendSlot>();
  readonly #remotes: RemoteChannels;
  readonly #closers = new Set<Closer>();
  readonly #recent: RecentPool;
  readonly #events: RegistryEvents;
  readonly #arrivals = new Arrivals();
  #closing: Promise<void> | undefined;

  /**
   * @param store Stores the bytes.
   * @param limits The server's limits.
   * @param events Callbacks for the server. Default: none.
   */
  constructor(store: Store, limits: Readonly<Limits>, events: RegistryEvents = {}) {
    this.store = store;
    this.#events = events;
    this.limits = limits;
    this.space = new FreeSpace(store, limits);
    this.used = new UsedSpace(store, limits);
    this.counts = new AppendCounts(limits);
    this.batchSizes = new BatchSizes(store, limits);
    this.#recent = new RecentPool(limits.recentBytes);
    this.#remotes = new RemoteChannels(store, this.#recent, (path, error) => events.failed?.(path, error));
  }

  /** Whether the server is shutting down. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Whether a path has an appender in this process, or a pending claim. */
  isTaken(path: string): boolean {
    return this.#slots.has(path);
  }

  /** Whether an appender of this process has a path that is not a stream. Only its claim could make it one. */
  isPlain(path: string): boolean {
    const slot = this.#slots.get(path);
    const channel = slot?.yields ? undefined : slot?.channel;
    return channel !== undefined && channel.stream === undefined && !channel.outcome && !channel.revoked.aborted;
  }

  /** Settles when the append of a path in this process has ended; undefined if it has no append. */
  whenFree(path: string): Promise<void> | undefined {
    return this.#slots.get(path)?.free;
  }

  /** Announces an append: a follow that comes before it is admitted waits. Call the result once it is admitted or refused. */
  announce(path: string): () => void {
    return this.#arrivals.announce(path);
  }

  /** Leases the append to a path, in this process or in another one; undefined if it has no append. */
  async lease(path: string): Promise<LeasedSource | undefined> {
    await this.#arrivals.settled(path);
    for (let slot = this.#slots.get(path); slot; slot = this.#slots.get(path)) {
      const { channel } = slot;
      if (channel && channel.outcome?.reason !== "restarting") return { source: channel, leave: () => {} };
      // The pending claim may fail or move to another process, as may a channel that is handed over; check again.
      await (channel ? slot.free : slot.claimed);
    }
    const remote = await this.#remotes.lease(path);
    await remote?.source.refresh();
    return remote;
  }

  /** Waits until the appends of a path that were begun in this process before have claimed it, or were refused. */
  async claimed(path: string): Promise<void> {
    await this.#arrivals.settled(path);
    await this.#slots.get(path)?.claimed;
  }

  /** Starts watching a path before handover so local followers miss nothing; call the result to stop. */
  async watchHandover(path: string): Promise<() => void> {
    return (await this.#remotes.lease(path))?.leave ?? (() => {});
  }

  /**
   * Admits an appender. Once this resolves, the appender holds the path, and the path exists.
   *
   * @throws {StreamError} `replaced` for another generation than required, `conflict` if the path has an appender,
   * `precondition_failed` for another size than required, `restarting` on shutdown, `overloaded` and `too_many` at a
   * limit; what {@link Store.claim}, `terms.check` and `terms.prepare` throw.
   */
  async admit(path: string, terms: AppendPreconditions = {}): Promise<Admission> {
    // Checked first: a client that continues replaced content is refused without waiting for the path to be free.
    await checkRequiredGeneration(this.store, path, terms);
    const { slot, setClaimed, setConnected, leave } = await this.#reserve(path, terms);
    try {
      const { handle, lines } = await claimPath(this, path, terms, () => isLeaving(slot));
      const { requestId, enforcesStreamRules: isKept } = terms;
      const channel = new Channel(path, handle, this.#recent, { requestId, lines, isKept, used: this.used });
      slot.channel = channel;
      this.notices.notify(path);
      const batcher = new Batcher(channel, this.limits, this.#eventsOf(slot, path), this.batchSizes);
      const finish: Admission["end"] = async (reason, unused, error) => {
        const outcome = await batcher.end(reason, unused).finally(leave);
        this.#events.ended?.(channel, outcome, batcher.error ?? error);
        return outcome;
      };
      let ended: Promise<Outcome> | undefined;
      const end: Admission["end"] = (...how) => {
        slot.ending = true;
        ended ??= finish(...how);
        return ended;
      };
      const connect = (owner: AppendOwner): void => {
        slot.owner = owner;
        setConnected();
        if (batcher.error) owner.failed?.(batcher.error);
      };
      this.#events.began?.(channel);
      return { batcher, connect, end };
    } catch (error) {
      leave();
      throw error;
    } finally {
      setClaimed();
    }
  }

  /**
   * Runs a task while no append of a path can begin in this process. Follows wait for it.
   *
   * @throws {StreamError} `conflict` if the path has an appender, `restarting` on shutdown; errors of the task.
   */
  async whileFree<T>(path: string, task: () => Promise<T>): Promise<T> {
    const { slot, setClaimed, leave } = await this.#reserve(path);
    // An append that comes meanwhile waits, like behind one that is ending.
    slot.ending = true;
    try {
      return await task();
    } finally {
      leave();
      setClaimed();
    }
  }

  /** Sends a notice that a resource was removed. */
  removed(path: string, requestId?: string): void {
    this.used.removed();
    this.notices.notify(path);
    this.#events.removed?.(path, requestId);
  }

  /** @throws {StreamError} `conflict` if an appender holds the path and is not leaving. */
  assertFree(path: string): void {
    const slot = this.#slots.get(path);
    if (!slot || isLeaving(slot)) return;
    const leftMs = slot.owner?.retryAfterMs?.();
    throw leftMs === undefined ? appenderConflict(path) : graceConflict(path, leftMs);
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

  /** @param opener Counts as an append. Default: nothing is counted. */
  async #reserve(path: string, opener?: Opener): Promise<Reservation> {
    for (let slot = this.#slots.get(path); slot; slot = this.#slots.get(path)) {
      this.assertFree(path);
      await (yieldsToOthers(slot) ? slot.connected : slot.free);
    }
    this.assertOpen();
    // The requests of a stream are counted one by one.
    const uncount = opener && !opener.enforcesStreamRules ? this.counts.enter(opener) : undefined;
    const { slot, setClaimed, setConnected, setFree } = newSlot(opener?.enforcesStreamRules ?? false);
    this.#slots.set(path, slot);
    const leave = (): void => {
      this.#slots.delete(path);
      uncount?.();
      setFree();
      setConnected();
    };
    return { slot, setClaimed, setConnected, leave };
  }

  /** Passes the events of a batcher on to the owner of its append, and each failure also to the server. */
  #eventsOf(slot: AppendSlot, path: string): AppenderEvents {
    return {
      stored: (offset) => {
        this.#events.stored?.(path);
        slot.owner?.stored?.(offset);
      },
      failed: (error) => {
        this.#events.failed?.(path, error);
        slot.owner?.failed?.(error);
      },
    };
  }
}
