/**
 * The state of a path that standing followers wait at: all of them share one check of the store.
 * @module
 */
import type { StoreStat } from "../storage/store.ts";

/** The result of a check. As long as nothing changes, every check returns the same object. */
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
  /** Checks the path. */
  readonly stat: () => Promise<StoreStat | undefined>;
  /** Called when the first waiter joins, and when the last one leaves. */
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
  /** Whether there was a hint since the last check began. */
  #isHinted = false;

  constructor(path: string, parts: PathWatchParts) {
    this.path = path;
    this.#parts = parts;
  }

  /**
   * Checks the path, not before this call. Concurrent calls share a check.
   *
   * @throws {StreamError} what {@link Store.stat} throws.
   */
  look(): Promise<Look> {
    if (!this.#looking) return this.#begin();
    // The check under way may have missed the change that the caller expects.
    this.#next ??= this.#looking
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        // Another caller may have begun one meanwhile.
        return this.#looking ?? this.#begin();
      });
    return this.#next;
  }

  /** Checks the path for the waiters, unless a check is under way. */
  poll(): void {
    // The waiters check again themselves, and get the error.
    if (!this.#looking) this.#begin().catch(() => this.#wakeAll());
  }

  /**
   * Handles a hint of another process that something may have changed: checks the path for the waiters; without waiters, for
   * the next one.
   */
  hinted(): void {
    this.#isHinted = true;
    if (this.#waiting.size > 0) this.#lookForWaiters();
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
   * @param look The state that the waiter knows.
   */
  join(waiter: Waiter, notices: number, look: Look): boolean {
    if (notices !== this.notices || look !== this.#last) return false;
    this.#waiting.add(waiter);
    if (this.#waiting.size === 1) this.#parts.onWaiting(this, true);
    if (this.#isHinted) this.#lookForWaiters();
    return true;
  }

  /** Removes a waiter. Does nothing if it does not wait. */
  leave(waiter: Waiter): void {
    if (this.#waiting.delete(waiter) && this.#waiting.size === 0) this.#parts.onWaiting(this, false);
  }

  #lookForWaiters(): void {
    // The waiters check again themselves, and get the error.
    this.look().catch(() => this.#wakeAll());
  }

  #begin(): Promise<Look> {
    this.#isHinted = false;
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
