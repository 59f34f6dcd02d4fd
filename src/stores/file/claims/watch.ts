/**
 * News of a file that another process appends to.
 * @module
 */
import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Growth } from "../../../engine/storage/store.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { isMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { removeFile, writeWhole } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import {
  claimantsOf,
  claimsFolder,
  type EndMarker,
  type Entry,
  endMarkers,
  removeEmpty,
  unreadMarkers,
  WATCH,
} from "./entries.ts";
import type { Owner } from "./owner.ts";

/** Milliseconds between two looks at the file. */
const LOOK_MS = 100;

/** Every how many looks the claim is looked at, too. */
const CLAIM_EVERY = 5;

/** How many looks an open session may be in nobody's hands, on its way from one process to another. */
const LOOKS_UNDER_WAY = 10;

/** What to watch. */
export interface Watched {
  readonly reserved: Reserved;
  readonly owner: Owner;
  /** The real file. */
  readonly file: string;
  /** Whether a session is open that may go on with it after its owner has died. */
  readonly resumable: () => Promise<boolean>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/**
 * The size of a file whenever it has changed, until the append of the other process has ended; the first at once.
 * Nothing when nobody appends.
 */
export async function* watchFile(watched: Watched): AsyncGenerator<Growth, void, void> {
  const { reserved, owner, file, signal } = watched;
  const folder = claimsFolder(reserved, file);
  const mark = join(folder, `${WATCH}${randomUUID()}`);
  // Its owner leaves word of how the append ended only where somebody asks for it.
  await writeWhole(reserved, mark, owner.record, false);
  try {
    const words = endMarkers(await namesIn(folder));
    const [first] = await claimantsOf(reserved, owner, file);
    const holders = first && new Succession(first, words, watched);
    let size: number | undefined;
    while (holders && !signal.aborted) {
      const ended = await holders.look();
      // The size after the look at the claim: what was stored before the end is in it.
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
    await removeFile(mark);
    for (const word of unreadMarkers(await namesIn(folder))) await removeFile(join(folder, word));
    await removeEmpty(folder);
  }
}

/** Those who have a path, one after the other. */
class Succession {
  readonly #watched: Watched;
  /** The entries whose last words are of appends before this one. */
  readonly #earlier: Set<string>;
  #holder: Entry;
  #looks = 0;
  /** For how many looks nobody has had it. */
  #underWay = 0;

  /** @param words What was there before the holder was looked up. */
  constructor(holder: Entry, words: readonly EndMarker[], watched: Watched) {
    this.#holder = holder;
    this.#earlier = new Set(words.map(({ entry }) => entry).filter((entry) => entry !== holder.name));
    this.#watched = watched;
  }

  /** How the append has ended, as far as this look can tell. */
  async look(): Promise<EndReason | undefined> {
    if (this.#underWay === 0 && ++this.#looks % CLAIM_EVERY > 0) return undefined;
    const next = await this.#next();
    if (typeof next === "string") return next;
    this.#underWay = next ? 0 : this.#underWay + 1;
    this.#holder = next ?? this.#holder;
    return this.#underWay > LOOKS_UNDER_WAY ? "restarting" : undefined;
  }

  /** Who has the path now, or how the append has ended; neither while its session is on its way to somebody else. */
  async #next(): Promise<Entry | EndReason | undefined> {
    const { reserved, owner, file, resumable } = this.#watched;
    const { name } = this.#holder;
    const isHolding = (await claimantsOf(reserved, owner, file)).find((holder) => holder.name === name);
    if (isHolding) return isHolding;
    // Asked before all else is looked at: a session that is over has left word before, and one that goes on may have
    // been taken over, and ended, while this process stood still between two looks.
    const isOpen = await resumable();
    const holders = await claimantsOf(reserved, owner, file);
    // Whoever takes a path from one that died, slept or shut down goes on with the same append, and may have ended it.
    const words = endMarkers(await namesIn(claimsFolder(reserved, file)));
    const since = words.filter(({ entry }) => !this.#earlier.has(entry));
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
