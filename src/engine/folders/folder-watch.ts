/**
 * Watches one folder for all its watchers.
 * @module
 */
import type { EndedReason } from "../../protocol/end-reason.ts";
import type { Store, StoreEntry } from "../storage/store.ts";
import { FolderRows, type Found } from "./folder-rows.ts";
import type { LiveAppends } from "./live-appends.ts";

/** Milliseconds between two notifications of the watchers. */
const QUIET_MS = 1_000;

/** Maximum lookups per listing of how appends in other processes have ended. */
const MAX_LOOKS = 100;

/** A subscriber to the changes of a folder. */
export interface FolderWatcher {
  /** Called with the names of rows that have changed or were removed. The set is shared: do not change it. */
  changed(names: ReadonlySet<string>): void;
  /** Called when the folder was removed, or exists again. */
  existenceChanged(): void;
}

/** The parts of a {@link FolderWatch}. */
export interface FolderWatchParts {
  readonly store: Store;
  readonly live: LiveAppends;
  /** The resource path of the folder; empty for the root. */
  readonly path: string;
  /** Maximum rows per listing. */
  readonly maxRows: number;
}

/** One folder and its watchers. */
export class FolderWatch {
  readonly path: string;
  readonly rows: FolderRows;
  /** Whether the folder exists. */
  exists = false;
  /** The name of the last listed row if the folder has more rows; else undefined. */
  next: string | undefined;
  /** Whether the last listing has failed. */
  isFailing = false;
  /** Whether subfolders may have been added or removed without an event. */
  isStale = false;
  readonly #parts: FolderWatchParts;
  readonly #watchers = new Set<FolderWatcher>();
  readonly #stopped = new AbortController();
  #isListed = false;
  #changed = new Set<string>();
  /** Names that this process has changed since the current listing began; undefined between listings. */
  #touched: Set<string> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(parts: FolderWatchParts) {
    this.#parts = parts;
    this.path = parts.path;
    this.rows = new FolderRows(parts.path, parts.live);
  }

  /** The number of watchers. */
  get watchers(): number {
    return this.#watchers.size;
  }

  /** Adds a watcher. */
  add(watcher: FolderWatcher): void {
    this.#watchers.add(watcher);
  }

  /** Removes a watcher. */
  remove(watcher: FolderWatcher): void {
    this.#watchers.delete(watcher);
  }

  /** Stops watching. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#stopped.abort();
  }

  /** Notes that an append of a path in this folder has begun or stored bytes. Cheap: it is called for each batch. */
  moved(name: string): void {
    this.#note(name);
  }

  /** Notes that an append of a path in this folder has ended. */
  ended(name: string, size: number, reason: EndedReason): void {
    this.rows.ended(name, size, reason);
    this.#note(name);
  }

  /** Notes that a path in this folder was removed. */
  removed(name: string): void {
    this.rows.removed(name);
    this.#note(name);
  }

  /** Notes that an append below a subfolder has begun or ended. */
  movedBelow(name: string): void {
    this.rows.movedBelow(name);
    this.#note(name);
  }

  /**
   * Lists the folder, and schedules a notification about the differences.
   *
   * @throws {StreamError} `denied`, `storage`.
   */
  async list(): Promise<void> {
    this.isStale = false;
    this.#touched = new Set();
    try {
      const found = await this.#find();
      const didExist = this.exists;
      this.exists = found !== undefined;
      this.next = found?.isCut ? found.rows.at(-1)?.name : undefined;
      const { names, ended } = this.rows.replace(found ?? { rows: [], isCut: false }, this.#touched);
      // The first watchers begin with all rows of the first listing.
      if (this.#isListed) for (const name of names) this.#changed.add(name);
      this.#isListed = true;
      await this.#explain(ended.slice(0, MAX_LOOKS));
      if (didExist !== this.exists) for (const watcher of this.#watchers) watcher.existenceChanged();
    } finally {
      this.#touched = undefined;
    }
    if (this.#changed.size > 0) this.#schedule();
  }

  async #find(): Promise<Found | undefined> {
    const { store, path, maxRows } = this.#parts;
    const { signal } = this.#stopped;
    const listing = await store.list(path, { limit: maxRows + 1, signal });
    if (!listing) return undefined;
    const elsewhere = await store.appendedBelow?.(path);
    const rows: StoreEntry[] = [];
    for await (const row of listing) {
      signal.throwIfAborted();
      if (rows.length === maxRows) return { rows, elsewhere, isCut: true };
      rows.push(row);
    }
    return { rows, elsewhere, isCut: false };
  }

  /** Looks up how appends in other processes have ended. */
  async #explain(names: readonly string[]): Promise<void> {
    const { store, path } = this.#parts;
    for (const name of names) {
      const found = await store.stat(path === "" ? name : `${path}/${name}`);
      if (found?.ended) this.rows.explain(name, found.ended);
    }
  }

  #note(name: string): void {
    this.#touched?.add(name);
    this.#changed.add(name);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#stopped.signal.aborted) return;
    const waitMs = Math.max(0, this.#toldMs + QUIET_MS - performance.now());
    this.#timer = setTimeout(() => this.#tell(), waitMs);
  }

  /** Notifies all watchers at once: each row is reported at most once per second. */
  #tell(): void {
    this.#timer = undefined;
    this.#toldMs = performance.now();
    const names = this.#changed;
    this.#changed = new Set();
    for (const name of names) this.rows.moved(name);
    for (const watcher of this.#watchers) watcher.changed(names);
  }
}
