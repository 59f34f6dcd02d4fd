/**
 * A claim of a path that other processes respect: an entry in the path's claims folder.
 *
 * A process that claims a path writes an entry and checks again. It has the path if no other living entry is there. The
 * entry of a dead process is simply removed. A silent process may wake up at any moment, even in the middle of a write.
 * So its entry is moved away first, and then the file is replaced by a copy of itself (see `replace.ts`).
 * @module
 */
import { existsSync, statSync } from "node:fs";
import { rename } from "node:fs/promises";
import { basename, join } from "node:path";
import { heldByAppender } from "../../../engine/storage/conflicts.ts";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { unlessMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { removeFile, writeJsonAtomic } from "../reserved/atomic-write.ts";
import { adoptFormer, closeToEarlier } from "../reserved/format.ts";
import { fileKey } from "../reserved/layout.ts";
import type { ClaimParts } from "./claim-parts.ts";
import { AWAY, claimsFolder, dropEntry, endMarker, nextName, ownEntries, removeUnread, WATCH } from "./entries.ts";
import { isHandoverRequested } from "./handover.ts";
import { breakForeignLease, type SlotState } from "./lease-files.ts";
import type { GroupReservation, LeasedClaim, Mark } from "./mark.ts";
import { LEASE_MS, type OwnedClaim } from "./owner.ts";
import { type Survey, survey, takenElsewhere } from "./survey.ts";
import { takeOver } from "./takeover.ts";

/** Attempts at a claim while other processes claim the same path. */
const ATTEMPTS = 8;

/** Maximum milliseconds between two attempts. */
const BACK_OFF_MS = 20;

/** The files that this process has claimed, through any of its stores. */
const ownClaims = new Map<string, Pick<ClaimParts, "isKept">>();

/** A claim of a file by this process. */
export class Claim {
  readonly #parts: ClaimParts;
  readonly #folder: string;
  /** The key of the path in the lease, and the name of its folder. */
  readonly #key: string;
  readonly #leaseMs: number;
  readonly #revoked = new AbortController();
  readonly #handoverRequested = new AbortController();
  readonly #owned: OwnedClaim;
  /** The path of its entry, from before the entry is written until after it is removed. */
  #entry: string | undefined;
  /** Whether the entry was written. Another process may have moved it away since. */
  #isEntered = false;
  /** The claim by the lease of the whole root, unless it is by path. */
  #mark: Mark | undefined;
  /** Keeps the other processes of the group away while the file is claimed by path. */
  #reservation: GroupReservation | undefined;
  #inherited = false;
  #wasSilent = false;
  #released = false;

  private constructor(parts: ClaimParts) {
    this.#parts = parts;
    this.#folder = claimsFolder(parts.reserved, parts.file);
    this.#key = fileKey(parts.reserved, parts.file);
    this.#leaseMs = LEASE_MS + parts.extraLeaseMs;
    this.#owned = { key: this.#key, verify: () => this.#look(), listen: () => this.#listen() };
  }

  /**
   * Claims a file.
   *
   * @throws {StreamError} `conflict` if a living process has the file or another one requests its handover; errors of
   * `check` and of the operating system.
   */
  static async take(parts: ClaimParts): Promise<Claim> {
    const { file, path, owner } = parts;
    if (ownClaims.has(file)) throw heldByAppender(path);
    ownClaims.set(file, parts);
    const claim = new Claim(parts);
    try {
      await claim.#markInLease();
      if (claim.#mark) await parts.check?.();
      else {
        await owner.begin(claim.#owned);
        claim.#reservation = await parts.lease?.reserve(claim.#key, claim.#leased);
        await claim.#take();
      }
      return claim;
    } catch (error) {
      await claim.release();
      throw error;
    }
  }

  /** Whether this process has claimed a file; `kept` if it caches the claim between many short appends. */
  static isClaimed(file: string): boolean | "kept" {
    return ownClaims.get(file)?.isKept ? "kept" : ownClaims.has(file);
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
   * Whether this process still has the claim. Checks the disk after a pause of the whole process.
   *
   * @param isDoubtful Whether to check the disk in any case. Default false.
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
    // No process watches a path that this process has by the lease.
    if (this.#mark?.isIntact) return;
    await this.#mark?.entered();
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
    if (this.#mark?.free()) {
      this.#parts.owner.leave(this.#owned);
      ownClaims.delete(this.#parts.file);
      return;
    }
    try {
      await this.#mark?.leave();
      await this.#release(ended);
    } finally {
      if (this.#entry) ownEntries.delete(this.#entry);
      ownClaims.delete(this.#parts.file);
      this.#reservation?.free();
      await this.#parts.owner.end(this.#owned);
    }
  }

  async #release(ended: EndReason | undefined): Promise<void> {
    const entry = this.#entry;
    if (entry && this.#revoked.signal.aborted) return dropEntry(entry);
    // One rename removes the claim and creates the end marker. Watchers always see one of the two.
    if (entry && ended) await rename(entry, this.#endMarkerFile(entry, ended)).catch(unlessMissing);
    else if (entry) await removeFile(entry);
    await removeUnread(this.#folder);
    if (!existsSync(this.#folder)) this.#parts.lease?.cleared(this.#key, this.#parts.file);
  }

  #endMarkerFile(entry: string, ended: EndReason): string {
    return join(this.#folder, endMarker(basename(entry), ended));
  }

  /** Claims the path by the lease of the whole root, if this process has that or can have it. */
  async #markInLease(): Promise<void> {
    const marking = this.#parts.lease?.mark(this.#key, this.#parts.file, this.#leased);
    // Await only if there is something to wait for: an `await` costs a turn.
    if (marking) await marking;
  }

  get #leased(): LeasedClaim {
    const { path, isKept = false, owner } = this.#parts;
    const marked = (mark: Mark): void => {
      this.#mark = mark;
      owner.join(this.#owned);
    };
    return { path, isKept, leaseMs: this.#leaseMs, marked, enterByPath: (state) => this.#enterByPath(state) };
  }

  /** Makes an entry for a claim whose lease was broken. */
  async #enterByPath(state: () => SlotState | undefined): Promise<void> {
    if (!this.#mark) return;
    adoptFormer(this.#parts.reserved, this.#parts.file);
    const names = await namesIn(this.#folder);
    const entering = this.#enter(names).then(state);
    // A claim that cannot be entered stays in the lease, and must leave no entry behind.
    const now = await entering.catch((error) => this.#backOff().then(() => Promise.reject(error)));
    const entry = this.#entry as string;
    this.#mark = undefined;
    if (now === "+" || (now === undefined && !(await this.#survey()).isTaken)) return;
    // Another process has the path. If it has not fenced this process off, its successor must.
    this.#revoke();
    if (now === "!") await rename(entry, join(this.#folder, `${AWAY}${basename(entry)}`)).catch(() => {});
    else await removeFile(entry).catch(() => {});
  }

  async #take(): Promise<void> {
    const { reserved, owner, file, path } = this.#parts;
    let found: Survey | undefined;
    closeToEarlier(reserved);
    adoptFormer(reserved, file);
    if (!this.#reservation?.isIntact) breakForeignLease(reserved);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (await isHandoverRequested(reserved, owner, file)) break;
      found = await this.#survey();
      if (found.isTaken) break;
      await this.#enter(found.names);
      // After the entry: a process that takes the lease searches for entries, and finds this one.
      if (!this.#reservation?.isIntact) breakForeignLease(reserved);
      found = await this.#survey();
      // While this process was suspended, another one may have moved our entry away, and may have ended since.
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
    const { reserved, file, owner } = this.#parts;
    return survey({ reserved, file, own, self: owner, leaseMs: this.#leaseMs });
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
  async #takeOver(found: Survey): Promise<void> {
    const { reserved, owner, file, path, check, onCopy } = this.#parts;
    await check?.();
    if (found.others.length + found.moved.length === 0 && !found.names.some((name) => name.startsWith(AWAY))) return;
    this.#inherited = true;
    const terms = { ...{ reserved, owner, file, path, leaseMs: this.#leaseMs }, onCopy };
    const assertOurs = (): void => this.#assertOurs();
    const survey = (): Promise<Survey> => this.#survey();
    this.#wasSilent = await takeOver(found, { ...terms, assertOurs, survey });
    // Until the fence, a silent owner may have changed what was checked.
    await check?.();
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
    if (this.#mark) {
      if (!this.#released && !this.#mark.isThere) this.#revoke();
      return;
    }
    // Before the entry is written, no other process can move it away.
    if (!this.#entry || !this.#isEntered || this.#released) return;
    if (!statSync(this.#entry, { throwIfNoEntry: false })) this.#revoke();
  }

  #revoke(): void {
    this.#revoked.abort(new StreamError("fenced", "Another server process has taken over the path."));
  }
}
