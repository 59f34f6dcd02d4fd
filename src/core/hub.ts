/**
 * Which paths have an appender: one channel a path, from its claim to its end.
 * @module
 */
import { Appender, type AppenderEvents } from "./appender.ts";
import { Channel, type Followable, type Outcome } from "./channel.ts";
import { StreamError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import { RemoteChannel } from "./remote.ts";
import type { EndReason, Store } from "./store.ts";

/** Called when the server shuts down: ends a connection, and resolves when it has ended. */
export type Closer = () => Promise<void>;

/** What stands at a path: nothing followable yet, or a channel; and the moment when the path is free again. */
interface Holder {
  channel: Channel | undefined;
  ending: boolean;
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

/** Something to follow, held until `leave` is called. */
export interface Hold {
  readonly source: Followable;
  leave(): void;
}

/** An appender that the hub has admitted. */
export interface Admission {
  readonly appender: Appender;
  /** Ends the append; see {@link Appender.end}. The path is free when it resolves. */
  end(reason: EndReason): Promise<Outcome>;
}

/** The paths of one server that are being appended to. */
export class Hub {
  readonly store: Store;
  readonly limits: Readonly<Limits>;
  readonly #holders = new Map<string, Holder>();
  readonly #remotes = new Map<string, RemoteChannel>();
  readonly #closers = new Set<Closer>();
  #closing: Promise<void> | undefined;

  /**
   * @param store What keeps the bytes.
   * @param limits The server's limits.
   */
  constructor(store: Store, limits: Readonly<Limits>) {
    this.store = store;
    this.limits = limits;
  }

  /** Whether the server shuts down. */
  get closing(): boolean {
    return this.#closing !== undefined;
  }

  /** Whether somebody appends to a path in this process, or is about to. */
  isTaken(path: string): boolean {
    return this.#holders.has(path);
  }

  /** What there is to follow at a path: an appender of this process or of another one; nothing where there is none. */
  async hold(path: string): Promise<Hold | undefined> {
    const channel = this.#holders.get(path)?.channel;
    if (channel) return { source: channel, leave: () => {} };
    const remote = this.#remotes.get(path) ?? (await this.#watch(path));
    return remote && { source: remote, leave: remote.hold() };
  }

  /**
   * Admits an appender: from here on it has the path, which exists.
   *
   * @throws {StreamError} `conflict` when there is one already, `restarting`, and what {@link Store.claim} throws.
   */
  async admit(path: string, events: AdmissionEvents = {}): Promise<Admission> {
    for (let holder = this.#holders.get(path); holder; holder = this.#holders.get(path)) {
      if (!holder.ending && !holder.events.hasLeft?.()) throw taken(path, holder.events.retryAfterMs?.());
      await holder.free;
    }
    this.assertOpen();
    const { promise: free, resolve: setFree } = deferred();
    const holder: Holder = { channel: undefined, ending: false, free, events };
    this.#holders.set(path, holder);
    const leave = () => {
      this.#holders.delete(path);
      setFree();
    };
    try {
      const channel = new Channel(path, await this.store.claim(path));
      holder.channel = channel;
      const appender = new Appender(channel, this.limits, events);
      const end = (reason: EndReason): Promise<Outcome> => {
        holder.ending = true;
        return appender.end(reason).finally(leave);
      };
      return { appender, end };
    } catch (error) {
      leave();
      throw error;
    }
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
    await Promise.allSettled([...this.#holders.values()].map((holder) => holder.events.restart?.()));
    await Promise.all([...this.#holders.values()].map((holder) => holder.free));
  }

  async #watch(path: string): Promise<RemoteChannel | undefined> {
    const news = await this.store.watch?.(path);
    const first = await news?.next();
    if (!news || !first || first.done) return undefined;
    // Somebody else may have asked for the same path meanwhile.
    const known = this.#remotes.get(path);
    if (known) {
      await news.return();
      return known;
    }
    const remote: RemoteChannel = new RemoteChannel(path, first.value.size, news, this.store, () => {
      if (this.#remotes.get(path) === remote) this.#remotes.delete(path);
    });
    this.#remotes.set(path, remote);
    return remote;
  }
}

function taken(path: string, retryAfterMs: number | undefined): StreamError {
  const message = `Somebody else is appending to "/${path}" already. Try again when they have ended.`;
  const headers = retryAfterMs === undefined ? {} : { "Retry-After": String(Math.ceil(retryAfterMs / 1000)) };
  return new StreamError("conflict", message, { path, headers });
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
