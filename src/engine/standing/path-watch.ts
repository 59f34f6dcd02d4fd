/**
 * The state of a path that standing followers wait at: one look at the store serves all of them.
 * @module
 */
import type { StoreStat } from "../storage/store.ts";

/** What a look found. As long as nothing changes, every look results in the same object. */
export interface Look {
  /** Undefined if the path does not exist. */
  readonly found: StoreStat | undefined;
}

/** Waits for a change. */
export interface Waiter {
  /** Something may have changed; the waiter has been removed. */
  woken(): void;
}

/** The parts of a {@link PathWatch}. */
export interface PathWatchParts {
  /** Looks at the path. */
  readonly stat: () => Promise<StoreStat | undefined>;
  /** Called when there is a first waiter, and when there is none any more. */
  readonly onWaiting: (watch: PathWatch, isWaiting: boolean) => void;
}

/** Watches one path for all of its standing followers. */
export class PathWatch {
  readonly path: string;
  /** How many notices there were, of appends in this process and of removals. */
  notices = 0;
  /** How many followers use it. */
  leases = 0;
  readonly #parts: PathWatchParts;
  readonly #waiting = new Set<Waiter>();
  #last: Look | undefined;
  #looking: Promise<Look> | undefined;
  #next: Promise<Look> | undefined;

  constructor(path: string, parts: PathWatchParts) {
    this.path = path;
    this.#parts = parts;
  }

  /**
   * Looks at the path, after this call. Calls at the same time share a look.
   *
   * @throws {StreamError} what {@link Store.stat} throws.
   */
  look(): Promise<Look> {
    if (!this.#looking) return this.#begin();
    // The look under way may have missed what the caller is looking for.
    this.#next ??= this.#looking
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        // Another caller may have begun one meanwhile.
        return this.#looking ?? this.#begin();
      });
    return this.#next;
  }

  /** Looks at the path for the waiters, unless a look is under way. */
  poll(): void {
    // They look again themselves, and learn why it failed.
    if (!this.#looking) this.#begin().catch(() => this.#wakeAll());
  }

  /** Handles a notice about the path. */
  noticed(): void {
    this.notices++;
    this.#wakeAll();
  }

  /**
   * Adds a waiter until something changes or {@link leave} is called. Returns false if something has changed already.
   *
   * @param notices The number of {@link notices} before `look` began.
   * @param look What the waiter knows.
   */
  join(waiter: Waiter, notices: number, look: Look): boolean {
    if (notices !== this.notices || look !== this.#last) return false;
    this.#waiting.add(waiter);
    if (this.#waiting.size === 1) this.#parts.onWaiting(this, true);
    return true;
  }

  /** Removes a waiter. Does nothing if it does not wait. */
  leave(waiter: Waiter): void {
    if (this.#waiting.delete(waiter) && this.#waiting.size === 0) this.#parts.onWaiting(this, false);
  }

  #begin(): Promise<Look> {
    this.#looking = this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<Look> {
    const found = await this.#parts.stat();
    if (this.#last && isSame(this.#last.found, found)) return this.#last;
    this.#last = { found };
    this.#wakeAll();
    return this.#last;
  }

  #wakeAll(): void {
    if (this.#waiting.size === 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#parts.onWaiting(this, false);
    for (const waiter of waiting) waiter.woken();
  }
}

function isSame(one: StoreStat | undefined, other: StoreStat | undefined): boolean {
  return (
    one?.size === other?.size &&
    one?.generation === other?.generation &&
    one?.appending === other?.appending &&
    one?.ended === other?.ended &&
    (one?.stream?.closed === undefined) === (other?.stream?.closed === undefined)
  );
}
