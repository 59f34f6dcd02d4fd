/**
 * The dealings of a store with the other processes on its root: it follows their appends, reports its own to them, and
 * asks for paths.
 * @module
 */
import { relative } from "node:path";
import type { AppendHandle, AppendUpdate, StoreStat } from "../../engine/storage/store.ts";
import { claimantsOf } from "./claims/entries.ts";
import { requestHandover } from "./claims/handover.ts";
import type { Owner } from "./claims/owner.ts";
import { resolveInRoot } from "./folders/resolve-in-root.ts";
import { ownGroup } from "./groups/process-group.ts";
import { type Peers, peersOf } from "./peers/peers.ts";
import { fileKey, type Reserved } from "./reserved/layout.ts";
import type { FileSessions } from "./sessions.ts";
import type { LogFiles } from "./streams/log-files.ts";
import { watchFile } from "./watch/watch.ts";
import { sizeOf } from "./watch/watched.ts";

/** The parts of {@link OtherProcesses}. */
export interface OtherProcessesParts {
  readonly root: string;
  readonly reserved: Reserved;
  readonly owner: Owner;
  readonly sessions: FileSessions;
  readonly logs: LogFiles;
  /** What is known of a path, also of an incomplete stream. */
  readonly statOf: (path: string) => Promise<StoreStat | undefined>;
}

/** The other processes on the root of a store. */
export class OtherProcesses {
  readonly #parts: OtherProcessesParts;
  readonly #peers: Peers;

  constructor(parts: OtherProcessesParts) {
    const { reserved, owner } = parts;
    this.#parts = parts;
    this.#peers = peersOf(reserved, owner.record, (key) => void owner.listen(key).catch(() => {}));
    // The other processes of the group follow what this one appends, and expect to hear of it at once.
    if (ownGroup()) this.#peers.reporter.open(true);
  }

  /** See {@link Store.watch}. */
  async watch(path: string, signal: AbortSignal): Promise<AsyncGenerator<AppendUpdate, void, void> | undefined> {
    const { root, reserved, owner, sessions, logs, statOf } = this.#parts;
    const file = await resolveInRoot(root, path);
    if ((await claimantsOf(reserved, owner, file)).length === 0) return undefined;
    const key = fileKey(reserved, file);
    return watchFile({
      ...{ reserved, owner, file, signal },
      resumable: async () => (await sessions.find(path)) !== undefined,
      listen: (listener) => this.#peers.links.watch(key, listener),
      look: () => statOf(path),
      // Of a write that its process could not finish, a takeover removes the first part. The path may become a stream later.
      sizeNow: async () => (logs.has(relative(root, file)) ? (await statOf(path))?.size : sizeOf(file)),
    });
  }

  /** See {@link Store.requestHandover}. */
  async requestHandover(path: string): Promise<() => Promise<void>> {
    const { root, reserved, owner } = this.#parts;
    const file = await resolveInRoot(root, path);
    const withdraw = await requestHandover(reserved, owner, file);
    this.#peers.links.wants(fileKey(reserved, file));
    return withdraw;
  }

  /** See {@link Store.notices}. */
  notices(path: string, heard: () => void): () => void {
    const { root, reserved } = this.#parts;
    let isOver = false;
    let stop = (): void => {};
    const begin = (file: string): void => {
      if (isOver) return;
      stop = this.#peers.links.watch(fileKey(reserved, file), ({ type }) => {
        if (type !== "none") heard();
      });
    };
    // A path that can't be resolved is polled, and so is what happens until then.
    resolveInRoot(root, path).then(begin, () => {});
    return () => {
      isOver = true;
      stop();
    };
  }

  /**
   * Reports to the other processes what a handle stores, and how its append ends. As for the followers in this process, bytes
   * are reported once the store has them and has checked that the path is still its own.
   *
   * @param handle Is changed, so it must belong to the caller alone.
   * @param file The real location of the file.
   * @returns The same handle.
   */
  announced<Handle extends AppendHandle>(handle: Handle, file: string): Handle {
    const { append, release } = handle;
    const report = this.#peers.reporter.begins(fileKey(this.#parts.reserved, file), handle);
    let isReleased = false;
    return Object.assign(handle, {
      append: (...batch: Parameters<AppendHandle["append"]>) =>
        append.apply(handle, batch).then((size) => {
          report.grown(batch[0]);
          return size;
        }),
      release: async (...ended: Parameters<AppendHandle["release"]>) => {
        try {
          await release.apply(handle, ended);
        } finally {
          if (!isReleased) report.ended(handle.offset, ended[0]);
          isReleased = true;
        }
      },
    });
  }
}
