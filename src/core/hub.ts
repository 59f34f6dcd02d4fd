/**
 * Which paths have an appender: one channel a path, from its claim to its end.
 * @module
 */
import { Appender, type AppenderEvents } from "./appender.ts";
import { Channel, type EndReason, type Outcome } from "./channel.ts";
import { StreamError } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { Store } from "./store.ts";

/** Called when the server shuts down: ends a connection, and resolves when it has ended. */
export type Closer = () => Promise<void>;

/** What stands at a path: nothing followable yet, or a channel; and the moment when the path is free again. */
interface Holder {
  channel: Channel | undefined;
  ending: boolean;
  readonly free: Promise<void>;
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

  /** The channel of a path that has an appender. */
  channel(path: string): Channel | undefined {
    return this.#holders.get(path)?.channel;
  }

  /**
   * Admits an appender: from here on it has the path, which exists.
   *
   * @throws {StreamError} `conflict` when there is one already, `restarting`, and what {@link Store.claim} throws.
   */
  async admit(path: string, events: AppenderEvents = {}): Promise<Admission> {
    for (let holder = this.#holders.get(path); holder; holder = this.#holders.get(path)) {
      if (!holder.ending) throw taken(path);
      await holder.free;
    }
    this.assertOpen();
    const { promise: free, resolve: setFree } = deferred();
    const holder: Holder = { channel: undefined, ending: false, free };
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
    await Promise.all([...this.#holders.values()].map((holder) => holder.free));
  }
}

function taken(path: string): StreamError {
  return new StreamError(
    "conflict",
    `Somebody else is appending to "/${path}" already. Try again when they have ended.`,
    {
      path,
    },
  );
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
