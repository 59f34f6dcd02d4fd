/**
 * A claim of a path that other processes respect: an entry in the path's folder of claims.
 *
 * Whoever wants a path makes an entry and looks again: it has the path if no other living entry is there. A dead
 * process's entry is simply removed. A silent one's may wake up at any moment, even in the middle of a write; so its
 * entry is moved away first, and then the file is replaced by a copy of itself (see `fence.ts`).
 * @module
 */

import { statSync } from "node:fs";
import { rename } from "node:fs/promises";
import { basename, join } from "node:path";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { isMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { removeFile, writeWhole } from "../reserved/atomic-write.ts";
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

/** How often two that want the same path at the same moment try again. */
const ATTEMPTS = 8;

/** Most milliseconds that they wait in between. */
const STEP_BACK_MS = 20;

/** The files that this process holds, whichever store they were claimed through. */
const held = new Set<string>();

/** What to claim, and for whom. */
export interface ClaimParts {
  readonly reserved: Reserved;
  readonly owner: Owner;
  /** The real file. */
  readonly file: string;
  /** The resource path, for messages. */
  readonly path: string;
  /** Called when the path is to be had, before anything that a former owner has is touched. What it throws ends the claim. */
  readonly check?: (() => Promise<void>) | undefined;
  /** Milliseconds for which a silent owner is spared after its lease. */
  readonly spareMs: number;
}

/** A claim of a file, held by this process. */
export class Claim {
  readonly #parts: ClaimParts;
  readonly #folder: string;
  readonly #leaseMs: number;
  readonly #revoked = new AbortController();
  readonly #handoverRequested = new AbortController();
  readonly #owned: OwnedClaim = { verify: () => this.#look(), listen: () => this.#listen() };
  /** The file of its entry, from before it is written until after it is removed. */
  #entry: string | undefined;
  /** Whether the entry is there, unless somebody has taken it away. */
  #isEntered = false;
  #inherited = false;
  #wasSilent = false;
  #released = false;

  private constructor(parts: ClaimParts) {
    this.#parts = parts;
    this.#folder = claimsFolder(parts.reserved, parts.file);
    this.#leaseMs = LEASE_MS + parts.spareMs;
  }

  /**
   * Claims a file.
   *
   * @throws {StreamError} `conflict` when a living process has it.
   */
  static async take(parts: ClaimParts): Promise<Claim> {
    const { file, path, owner } = parts;
    if (held.has(file))
      throw new StreamError("conflict", `Somebody else is appending to "/${path}" already.`, { path });
    held.add(file);
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

  /** Whether this process holds a file. */
  static isHeld(file: string): boolean {
    return held.has(file);
  }

  /** Whether whoever had the file before has died over it, or fallen silent. */
  get isInherited(): boolean {
    return this.#inherited;
  }

  /** Whether it was taken away from an owner that was silent, and may wake up. */
  get wasSilent(): boolean {
    return this.#wasSilent;
  }

  /** Aborts when somebody else has taken the path over. */
  get revoked(): AbortSignal {
    return this.#revoked.signal;
  }

  /** Aborts when another process asks for the path. */
  get handoverRequested(): AbortSignal {
    return this.#handoverRequested.signal;
  }

  /**
   * Whether the claim is still ours. Looks at the disk after a pause of the whole process.
   *
   * @param isDoubtful Looks in any case.
   */
  isOurs(isDoubtful = false): boolean {
    if (isDoubtful || !this.#parts.owner.isFresh) this.#look();
    return !this.#revoked.signal.aborted;
  }

  /** Leaves word of how it is about to end, where somebody watches: they hear it should this process die before. */
  async leaveEndMarker(ended: EndReason): Promise<void> {
    const { reserved, owner } = this.#parts;
    const names = await namesIn(this.#folder);
    if (!this.#entry || this.#revoked.signal.aborted || !names.some((name) => name.startsWith(WATCH))) return;
    await writeWhole(reserved, this.#wordOf(this.#entry, ended), owner.record, false);
  }

  /** Gives the path back, and tells those who watch how it ended; nothing where it never began. */
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
    if (entry && this.#revoked.signal.aborted) return this.#forsake(entry);
    // At once the claim is gone and the word is there: those who watch saw the claim, or see the word.
    if (entry && ended) await rename(entry, this.#wordOf(entry, ended)).catch(unlessMissing);
    else if (entry) await removeFile(entry);
    for (const word of unreadMarkers(await namesIn(this.#folder))) await removeFile(join(this.#folder, word));
    await removeEmpty(this.#folder);
  }

  #wordOf(entry: string, ended: EndReason): string {
    return join(this.#folder, endMarker(basename(entry), ended));
  }

  /** A claim that was lost has nothing to say about how the append goes on. */
  async #forsake(entry: string): Promise<void> {
    // Whoever took it away may put it back, when it sees us alive after we have seen it gone.
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
      // While we stood still, our entry may have been taken away, by somebody who has gone again.
      const isThere = this.#entry !== undefined && found.names.includes(basename(this.#entry));
      if (isThere && !found.isTaken) return this.#succeed(found);
      // Somebody entered at the same moment. Both step back, and try again at different moments.
      await this.#stepBack();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * STEP_BACK_MS));
    }
    throw takenElsewhere(path, found, owner);
  }

  #survey(): Promise<Survey> {
    const own = this.#entry && basename(this.#entry);
    return survey({ folder: this.#folder, own, self: this.#parts.owner, leaseMs: this.#leaseMs });
  }

  async #enter(names: readonly string[]): Promise<void> {
    const { reserved, owner } = this.#parts;
    const entry = join(this.#folder, nextName(names));
    this.#entry = entry;
    ownEntries.add(entry);
    await writeWhole(reserved, entry, owner.record, false);
    this.#isEntered = true;
  }

  async #stepBack(): Promise<void> {
    const entry = this.#entry;
    if (!entry) return;
    this.#isEntered = false;
    await removeFile(entry);
    ownEntries.delete(entry);
    this.#entry = undefined;
  }

  /** Takes the place of those who are there and not alive. */
  async #succeed({ names, others }: Survey): Promise<void> {
    const { check } = this.#parts;
    await check?.();
    if (others.length === 0 && !names.some((name) => name.startsWith(AWAY))) return;
    this.#inherited = true;
    for (const other of others) {
      if (other.verdict === "silent") await this.#takeAway(other);
      else await removeFile(other.file);
    }
    await this.#fence();
    // A silent owner may have changed, until it was fenced off, what was checked.
    await check?.();
  }

  /** Moves a silent owner's entry away: when it wakes up, it finds that it has lost the path. */
  async #takeAway(other: Entry): Promise<void> {
    const { owner, path } = this.#parts;
    this.#assertOurs();
    const away = join(this.#folder, `${AWAY}${other.name}`);
    try {
      await rename(other.file, away);
    } catch (error) {
      // It woke up, and gave the path back.
      return unlessMissing(error);
    }
    if ((await judge({ ...other, file: away }, owner, this.#leaseMs)) === "alive") {
      // It woke up between our two looks.
      await rename(away, other.file);
      throw takenElsewhere(path, undefined, owner);
    }
    this.#wasSilent = true;
  }

  /** Makes harmless whom an entry was taken away from, by us or by somebody who died over it. */
  async #fence(): Promise<void> {
    const away = (await namesIn(this.#folder)).filter((name) => name.startsWith(AWAY));
    if (away.length === 0) return;
    await replaceByCopy(this.#parts.reserved, this.#parts.file, () => this.#assertOurs()).catch(unlessMissing);
    for (const name of away) await removeFile(join(this.#folder, name));
  }

  /** @throws {StreamError} `conflict` when somebody has taken the claim away, as it would a claim that has stood still. */
  #assertOurs(): void {
    if (!this.isOurs(true)) throw takenElsewhere(this.#parts.path, undefined, this.#parts.owner);
  }

  async #listen(): Promise<void> {
    const { reserved, owner, file } = this.#parts;
    if (await isHandoverRequested(reserved, owner, file)) this.#handoverRequested.abort();
  }

  #look(): void {
    // Before its entry is written there is nothing that anybody could have taken away.
    if (!this.#entry || !this.#isEntered || this.#released || this.#revoked.signal.aborted) return;
    if (statSync(this.#entry, { throwIfNoEntry: false })) return;
    this.#revoked.abort(new StreamError("fenced", "Another server process has taken the path over."));
  }
}

/** For a promise's catch: what is not there needs no removing. */
function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
