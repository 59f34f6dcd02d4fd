/**
 * Following a path that another process appends to: its bytes come from the store, as soon as they are noticed there.
 * @module
 */

import { StreamError } from "../../protocol/errors.ts";
import type { Growth, Store } from "../storage/store.ts";
import { Broadcast } from "./broadcast.ts";
import type { Followable, Outcome } from "./followable.ts";
import { RecentPool } from "./recent-chunks.ts";

/** What a {@link RemoteChannel} tells. */
interface RemoteEvents {
  readonly onEnd: () => void;
  readonly onFailure: (error: StreamError) => void;
}

/** The path as it was when the watch began. */
type Seen = Pick<RemoteChannel, "path" | "size" | "generation" | "type">;

/** A path in the hands of another process. It watches the store for as long as somebody holds on to it. */
export class RemoteChannel implements Followable {
  readonly path: string;
  readonly generation: string;
  readonly type: string | undefined;
  readonly broadcast: Broadcast;
  outcome: Outcome | undefined;
  readonly #store: Store;
  readonly #watch: AbortController;
  readonly #onEnd: () => void;
  readonly #onFailure: (error: StreamError) => void;
  #leases = 0;
  #delivered: Promise<void> = Promise.resolve();

  private constructor(seen: Seen, store: Store, watch: AbortController, events: RemoteEvents) {
    const { path, size, generation, type } = seen;
    this.path = path;
    this.generation = generation;
    this.type = type;
    this.broadcast = new Broadcast(size, new RecentPool(0));
    this.#store = store;
    this.#watch = watch;
    this.#onEnd = events.onEnd;
    this.#onFailure = events.onFailure;
  }

  /**
   * Begins to watch a path; nothing when no other process appends to it.
   *
   * @param onEnd Called when it has ended or nobody holds on to it: nobody new may.
   * @param onFailure Told when it can't be read any more.
   */
  static async open(
    path: string,
    store: Store,
    onEnd: () => void,
    onFailure: (error: StreamError) => void = () => {},
  ): Promise<RemoteChannel | undefined> {
    const watch = new AbortController();
    const news = await store.watch?.(path, watch.signal);
    const first = await news?.next();
    if (!news || !first || first.done) return undefined;
    // What can't be read, whoever watches will find out.
    const found = await store.stat(path).catch(() => undefined);
    // One look for both: between two, the file may have been replaced.
    const size = found?.size ?? first.value.size;
    const seen = { path, size, generation: found?.generation ?? "", type: found?.type };
    const remote = new RemoteChannel(seen, store, watch, { onEnd, onFailure });
    void remote.#run(first.value, news);
    return remote;
  }

  get size(): number {
    return this.broadcast.tail;
  }

  /** Holds on to it; the result lets it go. Nothing when the last one who did has let it go already. */
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

  /** Looks now: whoever comes from the other process may know more of the path than the last look found. */
  async refresh(): Promise<void> {
    // What can't be read, whoever watches will find out.
    const found = await this.#store.stat(this.path).catch(() => undefined);
    if (found) await this.#deliver(found.size).catch(() => {});
  }

  async #run(first: Growth, news: AsyncGenerator<Growth, void, void>): Promise<void> {
    let ended = first.ended;
    try {
      for (let next = await news.next(); !next.done; next = await news.next()) {
        await this.#deliver(next.value.size);
        ended = next.value.ended;
      }
    } catch (error) {
      // Followers have what was read until now.
      const failure = StreamError.from(error, "storage");
      if (failure.code === "replaced") ended = failure.code;
      else this.#onFailure(failure);
      // It has been left in the middle, and cleans up only when told.
      await news.return().catch(() => {});
    }
    // Without a word the append may go on: whoever follows comes back, and is told.
    this.outcome = { size: this.size, reason: ended ?? "restarting" };
    this.#onEnd();
    this.broadcast.dissolve();
  }

  /** One after the other: each begins at the tail that the one before it has left. */
  #deliver(size: number): Promise<void> {
    this.#delivered = this.#delivered.catch(() => {}).then(() => this.#deliverNow(size));
    return this.#delivered;
  }

  async #deliverNow(size: number): Promise<void> {
    if (size <= this.size || this.outcome) return;
    if (this.broadcast.size === 0) {
      this.broadcast.skipTo(size);
      return;
    }
    let end = this.size;
    // What has grown may be another file in its place.
    const reader = this.#store.read(this.path, end, size, undefined, this.generation || undefined).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      end += next.value.length;
      this.broadcast.deliver({ bytes: next.value, end });
    }
  }
}
