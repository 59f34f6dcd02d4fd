/**
 * A claim of a path that other processes respect: an entry in the path's claims folder.
 *
 * A process that claims a path writes an entry and looks again. It has the path if no other living entry is there. The
 * entry of a dead process is simply removed. A silent process may wake up at any moment, even in the middle of a write.
 * So its entry is moved away first, and then the file is replaced by a copy of itself (see `replace.ts`).
 * @module
 */

import { type Stats, statSync } from "node:fs";
import { rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { heldByAppender } from "../../../engine/storage/conflicts.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { unlessMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { removeFile, writeJsonAtomic } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import {
  AWAY,
  claimsFolder,
  type Entry,
  endMarker,
  judge,
  nextName,
  ownEntries,
  removeEmpty,
  unreadMarkers,
  WATCH,
} from "./entries.ts";
import { isHandoverRequested } from "./handover.ts";
import { LEASE_MS, type OwnedClaim, type Owner } from "./owner.ts";
import { replaceByCopy } from "./replace.ts";
import { type Survey, survey, takenElsewhere } from "./survey.ts";

/** Attempts at a claim while other processes claim the same path. */
const ATTEMPTS = 8;

/** Most milliseconds between two attempts. */
const BACK_OFF_MS = 20;

/** The files that this process has claimed, through any of its stores. */
const held = new Map<string, Pick<ClaimParts, "isKept">>();

/** What to claim, and for which owner. */
export interface ClaimParts {
  readonly reserved: Reserved;
  readonly owner: Owner;
  /** The real location of the file. */
  readonly file: string;
  /** The resource path, for messages. */
  readonly path: string;
  /**
   * Called once the path is available, before anything of a former owner is touched, and again after a takeover. An
   * error ends the claim.
   */
  readonly check?: (() => Promise<void>) | undefined;
  /** Called before a takeover replaces the file by a copy, with the stats of both. */
  readonly onCopy?: ((former: Stats, copy: Stats) => void) | undefined;
  /** Whether the claim is kept between many short appends; noted in its entry. Default false. */
  readonly isKept?: boolean;
  /** Milliseconds for which a silent owner keeps the path after its lease. */
  readonly extraLeaseMs: number;
}

/** A claim of a file, held by this process. */
export class Claim {
  readonly #parts: ClaimParts;
  readonly #folder: string;
  readonly #leaseMs: number;
  readonly #revoked = new AbortController();
  readonly #handoverRequested = new AbortController();
  readonly #owned: OwnedClaim = { verify: () => this.#look(), listen: () => this.#listen() };
  /** The path of its entry, from before the entry is written until after it is removed. */
  #entry: string | undefined;
  /** Whether the entry was written. Another process may have moved it away since. */
  #isEntered = false;
  #inherited = false;
  #wasSilent = false;
  #released = false;

  private constructor(parts: ClaimParts) {
    this.#parts = parts;
    this.#folder = claimsFolder(parts.reserved, parts.file);
    this.#leaseMs = LEASE_MS + parts.extraLeaseMs;
  }

  /**
   * Claims a file.
   *
   * @throws {StreamError} `conflict` if a living process has the file or another one requests its handover; errors of
   * `check` and of the operating system.
   */
  static async take(parts: ClaimParts): Promise<Claim> {
    const { file, path, owner } = parts;
    if (held.has(file)) throw heldByAppender(path);
    held.set(file, parts);
    const claim = new Claim(parts);
    try {
      await owner.begin(claim.#owned);
      await claim.#take();
      return claim;
    } catch (error) {
      await claim.release();
      throw error;
    }
  }

  /** Whether this process has claimed a file; `kept` if it keeps it between many short appends. */
  static isHeld(file: string): boolean | "kept" {
    return held.get(file)?.isKept ? "kept" : held.has(file);
  }

  /** Whether the previous owner died or fell silent while it had the file. */
  get isInherited(): boolean {
    return this.#inherited;
  }

  /** Whether the claim was taken from a silent owner, which may wake up. */
  get wasSilent(): boolean {
    return this.#wasSilent;
  }

  /** Aborts when another process has taken the path over. */
  get revoked(): AbortSignal {
    return this.#revoked.signal;
  }

  /** Aborts when another process requests a handover of the path. */
  get handoverRequested(): AbortSignal {
    return this.#handoverRequested.signal;
  }

  /**
   * Whether this process still has the claim. Looks at the disk after a pause of the whole process.
   *
   * @param isDoubtful Whether to look at the disk in any case. Default false.
   */
  isOurs(isDoubtful = false): boolean {
    if (isDoubtful || !this.#parts.owner.isFresh) this.#look();
    return !this.#revoked.signal.aborted;
  }

  /**
   * Writes the end marker before the append ends, if another process watches. If this process dies before
   * {@link release}, the watchers still learn how the append ended.
   *
   * @throws Errors of the operating system.
   */
  async leaveEndMarker(ended: EndReason): Promise<void> {
    const { reserved, owner } = this.#parts;
    const names = await namesIn(this.#folder);
    if (!this.#entry || this.#revoked.signal.aborted || !names.some((name) => name.startsWith(WATCH))) return;
    await writeJsonAtomic(reserved, this.#endMarkerFile(this.#entry, ended), owner.record, false);
  }

  /**
   * Releases the path, and leaves an end marker for watchers.
   *
   * @param ended How the append ended. Without it there is no end marker: the append never began.
   * @throws Errors of the operating system.
   */
  async release(ended?: EndReason): Promise<void> {
    this.#released = true;
    try {
      await this.#release(ended);
    } finally {
      if (this.#entry) ownEntries.delete(this.#entry);
      held.delete(this.#parts.file);
      await this.#parts.owner.end(this.#owned);
    }
  }

  async #release(ended: EndReason | undefined): Promise<void> {
    const entry = this.#entry;
    if (entry && this.#revoked.signal.aborted) return this.#dropEntry(entry);
    // One rename removes the claim and creates the end marker. Watchers always see one of the two.
    if (entry && ended) await rename(entry, this.#endMarkerFile(entry, ended)).catch(unlessMissing);
    else if (entry) await removeFile(entry);
    for (const marker of unreadMarkers(await namesIn(this.#folder))) await removeFile(join(this.#folder, marker));
    await removeEmpty(this.#folder);
  }

  #endMarkerFile(entry: string, ended: EndReason): string {
    return join(this.#folder, endMarker(basename(entry), ended));
  }

  /** Removes a revoked entry without an end marker: the append goes on in another process. */
  async #dropEntry(entry: string): Promise<void> {
    // The other process restores the entry if it sees a later sign of life of this one. So remove it again after a lease.
    const remove = (): Promise<void> => removeFile(entry).catch(() => {});
    await remove();
    setTimeout(remove, LEASE_MS).unref?.();
  }

  async #take(): Promise<void> {
    const { reserved, owner, file, path } = this.#parts;
    let found: Survey | undefined;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await isHandoverRequested(reserved, owner, file)) break;
      found = await this.#survey();
      if (found.isTaken) break;
      await this.#enter(found.names);
      found = await this.#survey();
      // While this process stood still, another one may have moved our entry away, and may be gone by now.
      const isThere = this.#entry !== undefined && found.names.includes(basename(this.#entry));
      if (isThere && !found.isTaken) return this.#takeOver(found);
      // Another process entered at the same moment. Both back off, and try again at different times.
      await this.#backOff();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * BACK_OFF_MS));
    }
    throw takenElsewhere(path, found, owner);
  }

  #survey(): Promise<Survey> {
    const own = this.#entry && basename(this.#entry);
    return survey({ folder: this.#folder, own, self: this.#parts.owner, leaseMs: this.#leaseMs });
  }

  async #enter(names: readonly string[]): Promise<void> {
    this.#entry = join(this.#folder, nextName(names));
    ownEntries.add(this.#entry);
    const { reserved, owner, isKept } = this.#parts;
    await writeJsonAtomic(reserved, this.#entry, { ...owner.record, ...(isKept && { isKept }) }, false);
    this.#isEntered = true;
  }

  async #backOff(): Promise<void> {
    if (!this.#entry) return;
    this.#isEntered = false;
    await removeFile(this.#entry);
    ownEntries.delete(this.#entry);
    this.#entry = undefined;
  }

  /** Takes over from owners that are dead or silent. */
  async #takeOver({ names, others }: Survey): Promise<void> {
    await this.#parts.check?.();
    if (others.length === 0 && !names.some((name) => name.startsWith(AWAY))) return;
    this.#inherited = true;
    for (const other of others) {
      if (other.verdict === "silent") await this.#moveAway(other);
      else await removeFile(other.file);
    }
    await this.#fence();
    // Until the fence, a silent owner may have changed what was checked.
    await this.#parts.check?.();
  }

  /** Moves a silent owner's entry away. When the owner wakes up, it finds that it has lost the path. */
  async #moveAway(other: Entry): Promise<void> {
    const { owner, path } = this.#parts;
    this.#assertOurs();
    const away = join(this.#folder, `${AWAY}${other.name}`);
    try {
      await rename(other.file, away);
    } catch (error) {
      // The owner woke up and released the path.
      return unlessMissing(error);
    }
    if ((await judge({ ...other, file: away }, owner, this.#leaseMs)) === "alive") {
      // The owner woke up between the two looks.
      await rename(away, other.file);
      throw takenElsewhere(path, undefined, owner);
    }
    this.#wasSilent = true;
  }

  /** Fences off owners whose entries were moved away, by this process or by one that died during its takeover. */
  async #fence(): Promise<void> {
    const away = (await namesIn(this.#folder)).filter((name) => name.startsWith(AWAY));
    if (away.length === 0) return;
    const { reserved, file, onCopy } = this.#parts;
    await replaceByCopy(reserved, file, (former, copy) => {
      this.#assertOurs();
      onCopy?.(former, copy);
    }).catch(unlessMissing);
    for (const name of away) await removeFile(join(this.#folder, name));
  }

  /** @throws {StreamError} `conflict` if another process has moved our entry away, as after a pause of this one. */
  #assertOurs(): void {
    if (!this.isOurs(true)) throw takenElsewhere(this.#parts.path, undefined, this.#parts.owner);
  }

  async #listen(): Promise<void> {
    const { reserved, owner, file } = this.#parts;
    if (await isHandoverRequested(reserved, owner, file)) this.#handoverRequested.abort();
  }

  #look(): void {
    // Before the entry is written, no other process can move it away.
    if (!this.#entry || !this.#isEntered || this.#released) return;
    if (statSync(this.#entry, { throwIfNoEntry: false })) return;
    this.#revoked.abort(new StreamError("fenced", "Another server process has taken over the path."));
  }
}
