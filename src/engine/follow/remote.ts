/**
 * Follows a path that another process appends to: passes its bytes on as the path grows. If the driver does not have them
 * at hand, they are read from the store.
 * @module
 */

import { StreamError } from "../../protocol/errors.ts";
import { sharedRuns } from "../../support/shared-runs.ts";
import type { AppendUpdate, Store } from "../storage/store.ts";
import { Broadcast } from "./broadcast.ts";
import type { Followable, Outcome } from "./followable.ts";
import { RecentPool } from "./recent-chunks.ts";

/** Callbacks of a {@link RemoteChannel}, and where it keeps recent chunks. */
interface RemoteParts {
  readonly onEnd: () => void;
  readonly onFailure: (error: StreamError) => void;
  readonly pool: RecentPool;
}

/** The path as it was when the watch began. */
type Seen = Pick<RemoteChannel, "path" | "size" | "generation" | "type"> & { readonly isStream: boolean };

/** The append of another process. It watches the store until its last lease is released. */
export class RemoteChannel implements Followable {
  readonly path: string;
  readonly generation: string;
  readonly type: string | undefined;
  readonly broadcast: Broadcast;
  outcome: Outcome | undefined;
  finalSize: number | undefined;
  /**
   * Checks the size now: a client that comes from the other process may know of more bytes than the last check found.
   * Followers that join at the same time share a check.
   */
  readonly refresh: () => Promise<void> = sharedRuns(() => this.#refresh());
  readonly #isStream: boolean;
  readonly #store: Store;
  readonly #watch: AbortController;
  readonly #onEnd: () => void;
  readonly #onFailure: (error: StreamError) => void;
  #leases = 0;
  #delivered: Promise<void> = Promise.resolve();

  private constructor(seen: Seen, store: Store, watch: AbortController, parts: RemoteParts) {
    const { path, size, generation, type, isStream } = seen;
    this.#isStream = isStream;
    this.path = path;
    this.generation = generation;
    this.type = type;
    this.broadcast = new Broadcast(size, parts.pool);
    this.#store = store;
    this.#watch = watch;
    this.#onEnd = parts.onEnd;
    this.#onFailure = parts.onFailure;
  }

  /**
   * Starts watching a path. Resolves to undefined if no other process appends to it.
   *
   * @param onEnd Called when the append has ended, or the last lease was released: the channel grants no new lease.
   * @param onFailure Called when the path can no longer be read. Default: does nothing.
   * @param pool Keeps recent chunks for followers that lag. Default: none are kept.
   */
  static async open(
    path: string,
    store: Store,
    onEnd: () => void,
    onFailure: (error: StreamError) => void = () => {},
    pool: RecentPool = new RecentPool(0),
  ): Promise<RemoteChannel | undefined> {
    const watch = new AbortController();
    const updates = await store.watch?.(path, watch.signal);
    if (!updates) return undefined;
    const first = await updates.next();
    if (first.done) return undefined;
    // Ignored: the watch reports that the path can't be read.
    const found = await store.stat(path).catch(() => undefined);
    // Size and generation come from the same check: between two checks, the file may be replaced.
    const size = found?.size ?? first.value.size;
    const seen = { path, size, generation: found?.generation ?? "", type: found?.type, isStream: !!found?.stream };
    const remote = new RemoteChannel(seen, store, watch, { onEnd, onFailure, pool });
    void remote.#run(first.value, updates);
    return remote;
  }

  get size(): number {
    return this.broadcast.tail;
  }

  /** Takes a lease; call the result to release it. Undefined if the last lease was already released. */
  lease(): (() => void) | undefined {
    if (this.#watch.signal.aborted) return undefined;
    this.#leases++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#leases > 0) return;
      this.#onEnd();
      this.#watch.abort();
    };
  }

  async #refresh(): Promise<void> {
    // Ignored: the watch reports that the path can't be read.
    const found = await this.#store.stat(this.path).catch(() => undefined);
    if (found) await this.#deliver({ size: found.size }).catch(() => {});
  }

  async #run(first: AppendUpdate, updates: AsyncGenerator<AppendUpdate, void, void>): Promise<void> {
    let ended = first.ended;
    try {
      for (let next = await updates.next(); !next.done; next = await updates.next()) {
        await this.#deliver(next.value);
        ended = next.value.ended;
      }
    } catch (error) {
      // Followers keep what was read before the error.
      const failure = StreamError.from(error, "storage");
      if (failure.code === "replaced") ended = failure.code;
      else this.#onFailure(failure);
      // The generator may be suspended in the middle, and cleans up only on return().
      await updates.return().catch(() => {});
    }
    // Without an end marker the append may continue elsewhere: followers search for it, or reconnect.
    this.outcome = { size: this.size, reason: ended ?? "restarting" };
    this.#onEnd();
    this.broadcast.dissolve();
  }

  /** Runs deliveries one after the other: each begins at the tail that the previous one left. */
  #deliver(growth: AppendUpdate): Promise<void> {
    this.#delivered = this.#delivered.catch(() => {}).then(() => this.#deliverNow(growth));
    return this.#delivered;
  }

  async #deliverNow({ size, bytes, closed }: AppendUpdate): Promise<void> {
    // A stream may be closed without a byte more.
    if (closed && !this.outcome && size >= this.size) this.finalSize = size;
    if (size <= this.size || this.outcome) return;
    // Known before the last bytes are passed on.
    if (this.#isStream && closed === undefined) await this.#lookWhetherClosed();
    const isKnown = bytes && size - bytes.length <= this.size;
    if (isKnown) {
      // A check may have found a part of them already.
      this.broadcast.deliver({ bytes: bytes.subarray(this.size - (size - bytes.length)), end: size });
      return;
    }
    if (this.broadcast.size === 0) {
      this.broadcast.skipTo(size);
      return;
    }
    let end = this.size;
    // The file may have been replaced by another one that is longer.
    const reader = this.#store.read(this.path, end, size, undefined, this.generation || undefined).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      end += next.value.length;
      this.broadcast.deliver({ bytes: next.value, end });
    }
  }

  async #lookWhetherClosed(): Promise<void> {
    // Ignored: the watch reports that the path can't be read.
    const found = await this.#store.stat(this.path).catch(() => undefined);
    if (found?.stream?.closed && found.generation === this.generation) this.finalSize = found.size;
  }
}
