/**
 * Which paths have an appender: one channel a path, from its claim to its end.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Followable, Outcome } from "../follow/followable.ts";
import { RecentPool } from "../follow/recent-chunks.ts";
import { RemoteChannel } from "../follow/remote.ts";
import type { Limits } from "../limits.ts";
import type { AppendHandle, Store } from "../storage/store.ts";
import { type AppenderEvents, Batcher } from "./batcher.ts";
import { Channel } from "./channel.ts";
import { checkClaimed, checkContent, checkPath, mustExist, type PathPreconditions } from "./preconditions.ts";
import { inGrace, mostLeftMs, taken } from "./taken.ts";

/** Called when the server shuts down: ends a connection, and resolves when it has ended. */
export type Closer = () => Promise<void>;

/** What stands at a path: nothing followable yet, or a channel; and the moment when the path is free again. */
interface AppendSlot {
  channel: Channel | undefined;
  ending: boolean;
  /** Resolves when there is a channel, or there will be none. */
  readonly claimed: Promise<void>;
  readonly free: Promise<void>;
  readonly events: AdmissionEvents;
}

/** What the owner of an admission wants to hear, and may be asked. */
export interface AdmissionEvents extends AppenderEvents {
  /** Whether the appender has said goodbye, although its connection is not gone yet. Ends the append if it has. */
  hasLeft?(): boolean;
  /** Milliseconds until the path will be free, where that is known. */
  retryAfterMs?(): number | undefined;
  /** The server shuts down, and this append has no connection that would hear of it. */
  restart?(): Promise<unknown> | undefined;
}

/** On which terms a path is to be had. */
export interface AppendPreconditions extends PathPreconditions {
  /** Whether to create the path when it does not exist. Default true. */
  readonly create?: boolean;
  /** The digest of the session that goes on. A path with any other session on record is not to be had. */
  readonly session?: string;
  /** See `ClaimOptions.spareMs` of the store. */
  readonly spareMs?: number;
  /** The media type of what is to be appended; see {@link ClaimOptions.type}. */
  readonly type?: string | undefined;
  /** Called once the path is ours, before anybody may follow it. If it throws, the path is given back. */
  prepare?(handle: AppendHandle): Promise<void>;
}

/** Something to follow, held until `leave` is called. */
export interface LeasedSource {
  readonly source: Followable;
  leave(): void;
}

/** An appender that the registry has admitted. */
export interface Admission {
  readonly batcher: Batcher;
  /** Ends the append; see {@link Batcher.end}. The path is free when it resolves. */
  end(reason: EndReason, unused?: boolean): Promise<Outcome>;
}

/** The paths of one server that are being appended to. */
export class AppendRegistry {
  readonly store: Store;
  readonly limits: Readonly<Limits>;
  readonly #slots = new Map<string, AppendSlot>();
  readonly #remotes = new Map<string, Promise<RemoteChannel | undefined>>();
  readonly #closers = new Set<Closer>();
  readonly #recent: RecentPool;
  readonly #onFailure: (path: string, error: StreamError) => void;
  #closing: Promise<void> | undefined;

  /**
   * @param store What keeps the bytes.
   * @param limits The server's limits.
   * @param onFailure Told when storing an append has failed, or reading what another process appends.
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
  }

  /** Whether the server shuts down. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Whether somebody appends to a path in this process, or is about to. */
  isTaken(path: string): boolean {
    return this.#slots.has(path);
  }

  /** What there is to follow at a path: an appender of this process or of another one; nothing where there is none. */
  async lease(path: string): Promise<LeasedSource | undefined> {
    for (let slot = this.#slots.get(path); slot; slot = this.#slots.get(path)) {
      const { channel } = slot;
      if (channel && channel.outcome?.reason !== "restarting") return { source: channel, leave: () => {} };
      // Whoever is about to have the path may turn out not to get it, and what goes on elsewhere is not to be had here:
      // then another process has it.
      await (channel ? slot.free : slot.claimed);
    }
    const remote = await this.#leaseRemote(path);
    if (!remote) return undefined;
    await remote.source.refresh();
    return remote;
  }

  /**
   * Watches a path of ours that is about to go on in another process, until the result is called: those who follow it
   * here then miss nothing of how it goes on there, however soon that is over.
   */
  async watchHandover(path: string): Promise<() => void> {
    return (await this.#leaseRemote(path))?.leave ?? (() => {});
  }

  /**
   * Admits an appender: from here on it has the path, which exists.
   *
   * @throws {StreamError} `replaced` for another content than the terms name, `conflict` when there is an appender
   * already, `precondition_failed` for another size than the terms name, `restarting`, what {@link Store.claim} throws and what the terms throw.
   */
  async admit(path: string, events: AdmissionEvents = {}, terms: AppendPreconditions = {}): Promise<Admission> {
    // Whoever continues an old content need not wait for the new one to be free.
    await checkContent(this.store, path, terms);
    for (let slot = this.#slots.get(path); slot; slot = this.#slots.get(path)) {
      this.assertFree(path);
      await slot.free;
    }
    this.assertOpen();
    const { promise: free, resolve: setFree } = deferred();
    const { promise: claimed, resolve: setClaimed } = deferred();
    const slot: AppendSlot = { channel: undefined, ending: false, claimed, free, events };
    this.#slots.set(path, slot);
    const leave = () => {
      this.#slots.delete(path);
      setFree();
    };
    try {
      const channel = new Channel(path, await this.#claim(path, terms), this.#recent);
      slot.channel = channel;
      const batcher = new Batcher(channel, this.limits, this.#reporting(path, events));
      const end = (reason: EndReason, unused?: boolean): Promise<Outcome> => {
        slot.ending = true;
        return batcher.end(reason, unused).finally(leave);
      };
      return { batcher, end };
    } catch (error) {
      leave();
      throw error;
    } finally {
      setClaimed();
    }
  }

  /** @throws {StreamError} `conflict` when an appender has the path and is not about to leave. */
  assertFree(path: string): void {
    const slot = this.#slots.get(path);
    if (!slot || slot.ending || slot.events.hasLeft?.()) return;
    throw taken(path, slot.events.retryAfterMs?.());
  }

  /**
   * Remembers a connection for the shutdown; the result forgets it.
   *
   * @throws {StreamError} `restarting` when the shutdown has begun.
   */
  onClose(closer: Closer): () => void {
    this.assertOpen();
    this.#closers.add(closer);
    return () => this.#closers.delete(closer);
  }

  /** @throws {StreamError} `restarting` when the shutdown has begun. */
  assertOpen(): void {
    if (this.closing) {
      throw new StreamError("restarting", "The server is shutting down. Try again in a moment.", {
        headers: { "Retry-After": "1" },
      });
    }
  }

  /** Ends every connection, stores what was taken, and gives every path back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Yield first, so that `closing` is already true for whatever the closers set off.
    await undefined;
    await Promise.allSettled([...this.#closers].map((close) => close()));
    await Promise.allSettled([...this.#slots.values()].map((slot) => slot.events.restart?.()));
    await Promise.all([...this.#slots.values()].map((slot) => slot.free));
  }

  /** The events of a batcher, with its failure reported whoever listens. */
  #reporting(path: string, events: AppenderEvents): AppenderEvents {
    return {
      stored: (offset) => events.stored?.(offset),
      failed: (error) => {
        this.#onFailure(path, error);
        events.failed?.(error);
      },
    };
  }

  async #claim(path: string, terms: AppendPreconditions): Promise<AppendHandle> {
    const before = await checkPath(this.store, path, terms);
    let isChecked = false;
    // Its server may have gone after we saw it alive, and before we claimed its path.
    const check = async (): Promise<void> => {
      isChecked = true;
      const open = await this.store.sessions.find(path);
      if (open && open.digest !== terms.session) throw inGrace(path, open.graceLeftMs ?? 1_000);
    };
    const create = !mustExist(terms) && (terms.create ?? true);
    const options = { create, check, spareMs: terms.spareMs ?? 0, type: terms.type };
    const handle = await this.store.claim(path, options).catch(async (error) => {
      // It was removed since we looked: that is another path than the terms ask for.
      if (isNotFound(error)) await checkPath(this.store, path, terms);
      throw await this.#refused(path, error);
    });
    try {
      // A shutdown that began meanwhile has not seen this append, and would wait for it.
      this.assertOpen();
      // Not every store asks before it claims.
      if (!isChecked) await check();
      await checkClaimed(this.store, { path, before, handle }, terms);
      await terms.prepare?.(handle);
      return handle;
    } catch (error) {
      await (handle.discard?.() ?? handle.release());
      throw error;
    }
  }

  /** An append in another process may be in its grace: that is on record, with what is left of it at most. */
  async #refused(path: string, error: unknown): Promise<unknown> {
    if (!(error instanceof StreamError) || error.code !== "conflict") return error;
    const open = await this.store.sessions.find(path).catch(() => undefined);
    if (open?.graceLeftMs === undefined) {
      return open ? new StreamError(error.code, error.message, { path, headers: { "Retry-After": "1" } }) : error;
    }
    return inGrace(path, mostLeftMs(open.graceLeftMs, this.limits.graceMs));
  }

  async #leaseRemote(path: string): Promise<{ source: RemoteChannel; leave: () => void } | undefined> {
    for (let source = await this.#remote(path); source; source = await this.#remote(path)) {
      const leave = source.lease();
      if (leave) return { source, leave };
    }
    return undefined;
  }

  /** What another process appends, watched once for all who follow it here. */
  #remote(path: string): Promise<RemoteChannel | undefined> {
    const known = this.#remotes.get(path);
    if (known) return known;
    const forget = (): void => {
      if (this.#remotes.get(path) === watched) this.#remotes.delete(path);
    };
    const watched = RemoteChannel.open(path, this.store, forget, (error) => this.#onFailure(path, error));
    this.#remotes.set(path, watched);
    watched.then((remote) => remote ?? forget(), forget);
    return watched;
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
