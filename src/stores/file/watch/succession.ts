/**
 * Finds the successive owners of a path by its files.
 * @module
 */
import type { EndReason } from "../../../protocol/end-reason.ts";
import { claimantsOf, claimsFolder, type EndMarker, type Entry, endMarkers } from "../claims/entries.ts";
import { namesIn } from "../folders/folder.ts";
import type { Watched } from "./watched.ts";

/** Number of checks of the file per check of the claim. */
const CLAIM_EVERY = 5;

/** Maximum number of checks for which an open session may have no owner, on its way from one process to another. */
export const MAX_LOOKS_WITHOUT_OWNER = 10;

/** The successive owners of a path. */
export class Succession {
  readonly #watched: Watched;
  /** The entries whose end markers belong to appends before this one. */
  readonly #earlier: Set<string>;
  #current: Entry | undefined;
  #looks = 0;
  /** Number of checks for which the path has had no owner. */
  #looksWithoutOwner = 0;

  /**
   * @param current The entry of the owner; undefined if the last one has ended.
   * @param markers The end markers that existed before the owner was looked up.
   */
  constructor(current: Entry | undefined, markers: readonly EndMarker[], watched: Watched) {
    this.#current = current;
    if (!current) this.hurry();
    this.#earlier = new Set(markers.map(({ entry }) => entry).filter((entry) => entry !== current?.name));
    this.#watched = watched;
  }

  /** The id of the owner, as far as it is known. */
  get ownerId(): string | undefined {
    return this.#current?.owner.id;
  }

  /** Lets the next check include the claim. */
  hurry(): void {
    this.#looks = CLAIM_EVERY - 1;
  }

  /** How the append has ended; undefined while it continues, as far as this check shows. */
  async look(): Promise<EndReason | undefined> {
    if (this.#looksWithoutOwner === 0 && ++this.#looks % CLAIM_EVERY > 0) return undefined;
    const next = await this.#next();
    if (typeof next === "string") return next;
    this.#looksWithoutOwner = next ? 0 : this.#looksWithoutOwner + 1;
    this.#current = next ?? this.#current;
    return this.#looksWithoutOwner > MAX_LOOKS_WITHOUT_OWNER ? "restarting" : undefined;
  }

  /**
   * The current owner of the path, or how the append has ended; undefined while its session moves to another process.
   */
  async #next(): Promise<Entry | EndReason | undefined> {
    const { reserved, owner, file, resumable } = this.#watched;
    const name = this.#current?.name;
    const current = (await claimantsOf(reserved, owner, file)).find((entry) => entry.name === name);
    if (current) return current;
    // Ask this first: a session that has ended has left its end marker by now. A session that continues may be taken
    // over, and may end, while this process is suspended between two checks.
    const isOpen = await resumable();
    const claimants = await claimantsOf(reserved, owner, file);
    // A process that takes a path from one that died, fell silent or shut down continues the same append, and may have
    // ended it.
    const markers = endMarkers(await namesIn(claimsFolder(reserved, file)));
    const since = markers.filter(({ entry }) => !this.#earlier.has(entry));
    const end = since.find(({ ended }) => ended !== "restarting");
    const [successor] = claimants;
    if (end) return end.ended;
    if (successor) {
      for (const { entry } of since) if (entry !== successor.name) this.#earlier.add(entry);
      return successor;
    }
    if (isOpen) return undefined;
    return since.length > 0 ? "restarting" : "lost";
  }
}
