/**
 * The watched folders. Events of this process arrive at once. Changes of other processes are found by one listing per folder
 * every two seconds, for all its watchers together. Folders without watchers are not listed.
 * @module
 */

import type { EndReason } from "../../protocol/end-reason.ts";
import type { Limits } from "../limits.ts";
import type { Store } from "../storage/store.ts";
import { FolderWatch, type FolderWatcher } from "./folder-watch.ts";
import { foldersOf, type LiveAppend, LiveAppends } from "./live-appends.ts";

/** Milliseconds between two listings of a folder. */
const LIST_EVERY_MS = 2_000;

/** The watched folders of one server. Their listings run one after the other. */
export class FolderWatches {
  readonly #store: Store;
  readonly #limits: Readonly<Limits>;
  readonly #failed: (path: string, error: unknown) => void;
  readonly #live = new LiveAppends();
  readonly #watches = new Map<string, { readonly watch: FolderWatch; readonly listed: Promise<void> }>();
  /** When each folder is due for a listing, on the clock of `performance.now()`, in ascending order. */
  readonly #due = new Map<FolderWatch, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isListing = false;

  /** @param failed Called when listing a folder begins to fail. Its watchers keep the rows that they have. */
  constructor(store: Store, limits: Readonly<Limits>, failed: (path: string, error: unknown) => void) {
    this.#store = store;
    this.#limits = limits;
    this.#failed = failed;
  }

  /**
   * Adds a watcher to a folder. Resolves once the rows of the folder are known. Call {@link leave} to remove the watcher.
   *
   * @throws {StreamError} `denied`, `storage` if it can't be listed; then nothing is watched.
   */
  async watch(path: string, watcher: FolderWatcher): Promise<FolderWatch> {
    const known = this.#watches.get(path) ?? this.#begin(path);
    const { watch, listed } = known;
    watch.add(watcher);
    try {
      await listed;
      return watch;
    } catch (error) {
      this.leave(watch, watcher);
      throw error;
    }
  }

  /** Removes a watcher from a folder. */
  leave(watch: FolderWatch, watcher: FolderWatcher): void {
    watch.remove(watcher);
    if (watch.watchers > 0 || this.#watches.get(watch.path)?.watch !== watch) return;
    this.#watches.delete(watch.path);
    this.#due.delete(watch);
    watch.stop();
    this.#schedule();
  }

  /** Notes that an append has begun in this process. */
  began(append: LiveAppend): void {
    this.#live.began(append);
    this.#tell(append.path, (watch, name) => watch.moved(name));
  }

  /** Notes that bytes were stored at a path. It is called for each batch. */
  stored(path: string): void {
    if (this.#watches.size === 0) return;
    const end = path.lastIndexOf("/");
    this.#watches.get(path.slice(0, Math.max(0, end)))?.watch.moved(path.slice(end + 1));
  }

  /** Notes that an append has ended in this process. */
  ended(append: LiveAppend, size: number, reason: EndReason): void {
    this.#live.ended(append);
    const { path, isKept } = append;
    // A kept claim is not an append, another append may have begun, and an append that restarts continues in another
    // process.
    const isOver = !isKept && reason !== "restarting" && !this.#live.of(path);
    this.#tell(path, (watch, name) => (isOver ? watch.ended(name, size, reason) : watch.moved(name)));
  }

  /** Notes that this process has removed a path. */
  removed(path: string): void {
    this.#tell(path, (watch, name) => watch.removed(name));
  }

  /** Notifies the watches of all folders above a path. Added and removed folders are found by listings. */
  #tell(path: string, tell: (watch: FolderWatch, name: string) => void): void {
    if (this.#watches.size === 0) return;
    let isParent = true;
    for (const folder of foldersOf(path)) {
      const watch = this.#watches.get(folder)?.watch;
      const below = folder === "" ? path : path.slice(folder.length + 1);
      const [name = ""] = below.split("/", 1);
      if (watch && isParent) tell(watch, name);
      else watch?.movedBelow(name);
      if (watch) watch.isStale = true;
      isParent = false;
    }
  }

  #begin(path: string): { readonly watch: FolderWatch; readonly listed: Promise<void> } {
    const { liveListingRows: maxRows } = this.#limits;
    const watch = new FolderWatch({ store: this.#store, live: this.#live, path, maxRows });
    const listed = watch.list().then(() => {
      if (this.#watches.get(path)?.watch !== watch) return;
      this.#due.set(watch, performance.now() + LIST_EVERY_MS);
      this.#schedule();
    });
    const begun = { watch, listed };
    this.#watches.set(path, begun);
    return begun;
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [next] = this.#due.values();
    if (next === undefined || this.#isListing) return;
    this.#timer = setTimeout(() => void this.#listNext(), Math.max(0, next - performance.now()));
  }

  async #listNext(): Promise<void> {
    this.#timer = undefined;
    const [watch] = this.#due.keys();
    if (!watch) return;
    this.#isListing = true;
    try {
      // Nothing else changes a private store, so events are enough.
      if (!this.#store.isPrivate || watch.isStale) await watch.list();
      watch.isFailing = false;
    } catch (error) {
      // Report the first failure only, not one every two seconds.
      if (this.#due.has(watch) && !watch.isFailing) this.#failed(watch.path, error);
      watch.isFailing = true;
    }
    this.#isListing = false;
    // Re-inserted, it comes after all others.
    if (this.#due.delete(watch)) this.#due.set(watch, performance.now() + LIST_EVERY_MS);
    this.#schedule();
  }
}
