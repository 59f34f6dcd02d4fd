/**
 * Watches one folder for all who want to know what happens in it.
 * @module
 */
import type { EndedReason } from "../../protocol/end-reason.ts";
import type { Store, StoreEntry } from "../storage/store.ts";
import { FolderRows, type Found } from "./folder-rows.ts";
import type { LiveAppends } from "./live-appends.ts";

/** Milliseconds between two changes of one row that watchers are told about. */
const QUIET_MS = 1_000;

/** Rows whose end in another process is looked up per listing. */
const MAX_LOOKS = 100;

/** One who wants to know. */
export interface FolderWatcher {
  /** These rows have changed, or have gone. The set is shared, and must not be changed. */
  changed(names: ReadonlySet<string>): void;
  /** The folder does not exist any more, or exists again. */
  existenceChanged(): void;
}

/** What a {@link FolderWatch} needs. */
export interface FolderWatchParts {
  readonly store: Store;
  readonly live: LiveAppends;
  /** The resource path of the folder; empty for the root. */
  readonly path: string;
  /** Rows that are listed. */
  readonly maxRows: number;
}

/** One folder, and all who watch it. */
export class FolderWatch {
  readonly path: string;
  readonly rows: FolderRows;
  /** Whether there is such a folder. */
  exists = false;
  /** The name of the last row that is listed, if there are more behind it. */
  next: string | undefined;
  /** Whether the last listing has failed. */
  isFailing = false;
  /** Whether rows may have appeared or gone without notice. */
  isStale = false;
  readonly #parts: FolderWatchParts;
  readonly #watchers = new Set<FolderWatcher>();
  readonly #stopped = new AbortController();
  #isListed = false;
  #changed = new Set<string>();
  /** Names to which something has happened in this process since the listing that is under way began. */
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

  /** Bytes were stored at a path of this folder, or an append of it has begun. Cheap: it is called for each batch. */
  moved(name: string): void {
    this.#note(name);
  }

  /** An append of a path of this folder has ended. */
  ended(name: string, size: number, reason: EndedReason): void {
    this.rows.ended(name, size, reason);
    this.#note(name);
  }

  /** A path of this folder was removed. */
  removed(name: string): void {
    this.rows.removed(name);
    this.#note(name);
  }

  /** An append below a folder of this folder has begun or ended. */
  movedBelow(name: string): void {
    this.rows.movedBelow(name);
    this.#note(name);
  }

  /**
   * Lists the folder, and tells what has changed.
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
      // The first watchers get all rows that the first listing has found.
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
    const rows: StoreEntry[] = [];
    for await (const row of listing) {
      signal.throwIfAborted();
      if (rows.length === maxRows) return { rows, isCut: true };
      rows.push(row);
    }
    return { rows, isCut: false };
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

  /** Tells all watchers at once, so that each row is told about at most once per second. */
  #tell(): void {
    this.#timer = undefined;
    this.#toldMs = performance.now();
    const names = this.#changed;
    this.#changed = new Set();
    for (const name of names) this.rows.moved(name);
    for (const watcher of this.#watchers) watcher.changed(names);
  }
}
