/**
 * Watches a file that another process appends to.
 * @module
 */
import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Growth } from "../../../engine/storage/store.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { isMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { removeFile, writeJsonAtomic } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import {
  claimantsOf,
  claimsFolder,
  type EndMarker,
  type Entry,
  endMarkers,
  judge,
  leasedEntries,
  removeEmpty,
  unreadMarkers,
  WATCH,
} from "./entries.ts";
import { breakForeignLease, slotsOf } from "./lease-files.ts";
import type { Owner } from "./owner.ts";

/** Milliseconds between two checks of the file. */
const LOOK_MS = 100;

/** Milliseconds between two checks of a lease that its owner is about to release. */
const SOON_MS = 20;

/** Number of checks of the file per check of the claim. */
const CLAIM_EVERY = 5;

/** Maximum number of checks for which an open session may have no owner, on its way from one process to another. */
const MAX_LOOKS_WITHOUT_OWNER = 10;

/** What to watch. */
export interface Watched {
  readonly reserved: Reserved;
  readonly owner: Owner;
  /** The real location of the file. */
  readonly file: string;
  /** Whether an open session may continue the append after its owner has died. */
  readonly resumable: () => Promise<boolean>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/**
 * Yields the size of a file whenever it has changed, until the append of the other process has ended. The first size
 * comes at once. Yields nothing if no process appends.
 *
 * @throws Errors of the operating system.
 */
export async function* watchFile(watched: Watched): AsyncGenerator<Growth, void, void> {
  const { reserved, owner, file, signal } = watched;
  const folder = claimsFolder(reserved, file);
  const watcher = join(folder, `${WATCH}${randomUUID()}`);
  // An owner leaves an end marker only where a watcher asks for it.
  await writeJsonAtomic(reserved, watcher, owner.record, false);
  try {
    await untilByPath(watched);
    const markers = endMarkers(await namesIn(folder));
    const [first] = await claimantsOf(reserved, owner, file);
    const holders = first && new Succession(first, markers, watched);
    let size: number | undefined;
    while (holders && !signal.aborted) {
      const ended = await holders.look();
      // The size is read after the claim: it includes everything that was stored before the end.
      const now = await sizeOf(file);
      if (ended) {
        yield { size: now ?? size ?? 0, ended: now === undefined ? "deleted" : ended };
        return;
      }
      if (now !== undefined && now !== size) yield { size: now };
      size = now ?? size;
      await pause(LOOK_MS, signal);
    }
  } finally {
    await removeFile(watcher);
    for (const marker of unreadMarkers(await namesIn(folder))) await removeFile(join(folder, marker));
    await removeEmpty(folder);
  }
}

/**
 * Waits until no living process has the file by the lease of the whole root: it would leave no end marker.
 *
 * @throws Errors of the operating system.
 */
async function untilByPath({ reserved, owner, file, signal }: Watched): Promise<void> {
  breakForeignLease(reserved);
  for (; !signal.aborted; await pause(SOON_MS, signal)) {
    const leased = leasedEntries(slotsOf(reserved, file, owner.record));
    const verdicts = await Promise.all(leased.map((entry) => judge(entry, owner)));
    if (!verdicts.includes("alive")) return;
  }
}

/** The successive owners of a path. */
class Succession {
  readonly #watched: Watched;
  /** The entries whose end markers belong to appends before this one. */
  readonly #earlier: Set<string>;
  #holder: Entry;
  #looks = 0;
  /** Number of checks for which the path has had no owner. */
  #looksWithoutOwner = 0;

  /** @param markers The end markers that existed before the holder was looked up. */
  constructor(holder: Entry, markers: readonly EndMarker[], watched: Watched) {
    this.#holder = holder;
    this.#earlier = new Set(markers.map(({ entry }) => entry).filter((entry) => entry !== holder.name));
    this.#watched = watched;
  }

  /** How the append has ended; undefined while it continues, as far as this check shows. */
  async look(): Promise<EndReason | undefined> {
    if (this.#looksWithoutOwner === 0 && ++this.#looks % CLAIM_EVERY > 0) return undefined;
    const next = await this.#next();
    if (typeof next === "string") return next;
    this.#looksWithoutOwner = next ? 0 : this.#looksWithoutOwner + 1;
    this.#holder = next ?? this.#holder;
    return this.#looksWithoutOwner > MAX_LOOKS_WITHOUT_OWNER ? "restarting" : undefined;
  }

  /**
   * The current owner of the path, or how the append has ended; undefined while its session moves to another process.
   */
  async #next(): Promise<Entry | EndReason | undefined> {
    const { reserved, owner, file, resumable } = this.#watched;
    const { name } = this.#holder;
    const isHolding = (await claimantsOf(reserved, owner, file)).find((holder) => holder.name === name);
    if (isHolding) return isHolding;
    // Ask this first. A session that has ended has left its end marker by now. One that continues may be taken over, and
    // may end, while this process stands still between two checks.
    const isOpen = await resumable();
    const holders = await claimantsOf(reserved, owner, file);
    // A process that takes a path from one that died, fell silent or shut down continues the same append, and may have
    // ended it.
    const markers = endMarkers(await namesIn(claimsFolder(reserved, file)));
    const since = markers.filter(({ entry }) => !this.#earlier.has(entry));
    const end = since.find(({ ended }) => ended !== "restarting");
    const [successor] = holders;
    if (end) return end.ended;
    if (successor) {
      for (const { entry } of since) if (entry !== successor.name) this.#earlier.add(entry);
      return successor;
    }
    if (isOpen) return undefined;
    return since.length > 0 ? "restarting" : "lost";
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
