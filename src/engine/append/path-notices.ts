/**
 * Notices that something happened to a path in this process, for those that wait for it.
 * @module
 */

/** Passes each notice on to all listeners. */
export class PathNotices {
  readonly #listeners: ((path: string) => void)[] = [];

  /** Calls `listener` with the path of each notice, synchronously. */
  listen(listener: (path: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Sends a notice that an append to the path has begun, or that the path was removed. */
  notify(path: string): void {
    for (const listener of this.#listeners) listener(path);
  }
}
