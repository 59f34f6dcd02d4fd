/**
 * All folders that are watched. What this process appends is known at once; what other processes do is found by one listing
 * per folder every two seconds, whatever the number of its watchers, and none while it has no watcher.
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
  /** When folders are listed again, on the clock of `performance.now()`; the first one comes first. */
  readonly #due = new Map<FolderWatch, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isListing = false;

  /** @param failed Called when a folder can't be listed any more. Its watchers keep what they know. */
  constructor(store: Store, limits: Readonly<Limits>, failed: (path: string, error: unknown) => void) {
    this.#store = store;
    this.#limits = limits;
    this.#failed = failed;
  }

  /**
   * Watches a folder until the watcher leaves. Resolves once its rows are known.
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

  /** Ends what {@link watch} has begun. */
  leave(watch: FolderWatch, watcher: FolderWatcher): void {
    watch.remove(watcher);
    if (watch.watchers > 0 || this.#watches.get(watch.path)?.watch !== watch) return;
    this.#watches.delete(watch.path);
    this.#due.delete(watch);
    watch.stop();
    this.#schedule();
  }

  /** An append has begun in this process. */
  began(append: LiveAppend): void {
    this.#live.began(append);
    this.#tell(append.path, (watch, name) => watch.moved(name));
  }

  /** Bytes were stored at a path. Called for each batch. */
  stored(path: string): void {
    if (this.#watches.size === 0) return;
    const end = path.lastIndexOf("/");
    this.#watches.get(path.slice(0, Math.max(0, end)))?.watch.moved(path.slice(end + 1));
  }

  /** An append has ended in this process. */
  ended(append: LiveAppend, size: number, reason: EndReason): void {
    this.#live.ended(append);
    const { path, isKept } = append;
    // Another one may have begun, or the append goes on in another process.
    const isOver = !isKept && reason !== "restarting" && !this.#live.of(path);
    this.#tell(path, (watch, name) => (isOver ? watch.ended(name, size, reason) : watch.moved(name)));
  }

  /** A path was removed by this process. */
  removed(path: string): void {
    this.#tell(path, (watch, name) => watch.removed(name));
  }

  /** Tells the watches of the folders that a path is in. Whether folders have appeared or gone is seen by listing them. */
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
      // Only this process changes a private store.
      if (!this.#store.isPrivate || watch.isStale) await watch.list();
      watch.isFailing = false;
    } catch (error) {
      // It is reported once, and not every two seconds.
      if (this.#due.has(watch) && !watch.isFailing) this.#failed(watch.path, error);
      watch.isFailing = true;
    }
    this.#isListing = false;
    // Behind all others.
    if (this.#due.delete(watch)) this.#due.set(watch, performance.now() + LIST_EVERY_MS);
    this.#schedule();
  }
}
