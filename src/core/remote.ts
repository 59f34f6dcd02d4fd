/**
 * Following a path that another process appends to: its bytes come from the store, as soon as they are noticed there.
 * @module
 */
import { Broadcast } from "./broadcast.ts";
import type { Followable, Outcome } from "./channel.ts";
import type { Growth, Store } from "./store.ts";

/** A path in the hands of another process. It watches the store for as long as somebody holds on to it. */
export class RemoteChannel implements Followable {
  readonly path: string;
  readonly broadcast: Broadcast;
  outcome: Outcome | undefined;
  readonly #store: Store;
  readonly #news: AsyncGenerator<Growth, void, void>;
  readonly #onEnd: () => void;
  #holds = 0;

  /**
   * @param path The resource path.
   * @param size Its size now.
   * @param news Its growth from now on.
   * @param store Where its bytes are.
   * @param onEnd Called when it has ended or nobody holds on to it: nobody new may.
   */
  constructor(path: string, size: number, news: AsyncGenerator<Growth, void, void>, store: Store, onEnd: () => void) {
    this.path = path;
    this.broadcast = new Broadcast(size);
    this.#news = news;
    this.#store = store;
    this.#onEnd = onEnd;
    void this.#run();
  }

  get size(): number {
    return this.broadcast.tail;
  }

  /** Holds on to it; the result lets it go. */
  hold(): () => void {
    this.#holds++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#holds > 0) return;
      this.#onEnd();
      void this.#news.return();
    };
  }

  async #run(): Promise<void> {
    let outcome: Outcome = { size: this.size, reason: "lost" };
    try {
      for await (const { size, ended } of this.#news) {
        await this.#deliver(size);
        if (ended) outcome = { size, reason: ended };
      }
    } catch {
      // The file can't be read any more; followers have what was read until now.
    }
    this.outcome = { ...outcome, size: this.size };
    this.#onEnd();
    this.broadcast.dissolve();
  }

  async #deliver(size: number): Promise<void> {
    if (size <= this.size) return;
    if (this.broadcast.size === 0) {
      this.broadcast.skipTo(size);
      return;
    }
    let end = this.size;
    const reader = this.#store.read(this.path, end, size).getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      end += next.value.length;
      this.broadcast.deliver({ bytes: next.value, end });
    }
  }
}
