/**
 * The appends of other processes that this process follows.
 * @module
 */
import type { StreamError } from "../../protocol/errors.ts";
import type { Store } from "../storage/store.ts";
import type { RecentPool } from "./recent-chunks.ts";
import { RemoteChannel } from "./remote.ts";

/** Watches each path once for all of its local followers. */
export class RemoteChannels {
  readonly #store: Store;
  readonly #pool: RecentPool;
  readonly #onFailure: (path: string, error: StreamError) => void;
  readonly #channels = new Map<string, Promise<RemoteChannel | undefined>>();

  /**
   * @param store Stores the bytes.
   * @param pool Keeps recent chunks for followers that lag.
   * @param onFailure Called when a path can no longer be read.
   */
  constructor(store: Store, pool: RecentPool, onFailure: (path: string, error: StreamError) => void) {
    this.#store = store;
    this.#pool = pool;
    this.#onFailure = onFailure;
  }

  /** Leases the append of another process to a path; undefined if no other process appends. */
  async lease(path: string): Promise<{ source: RemoteChannel; leave: () => void } | undefined> {
    for (let source = await this.#channel(path); source; source = await this.#channel(path)) {
      const leave = source.lease();
      if (leave) return { source, leave };
    }
    return undefined;
  }

  #channel(path: string): Promise<RemoteChannel | undefined> {
    const known = this.#channels.get(path);
    if (known) return known;
    const forget = (): void => {
      if (this.#channels.get(path) === watched) this.#channels.delete(path);
    };
    const onFailure = (error: StreamError): void => this.#onFailure(path, error);
    const watched = RemoteChannel.open(path, this.#store, forget, onFailure, this.#pool);
    this.#channels.set(path, watched);
    watched.then((remote) => remote ?? forget(), forget);
    return watched;
  }
}
