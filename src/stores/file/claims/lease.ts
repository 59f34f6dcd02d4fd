/**
 * The lease of a root that this process or its group has: a file with one slot per claim of this process.
 * @module
 */
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { errorCode, isMissing } from "../folders/errors.ts";
import { makeFolderSync } from "../folders/folder.ts";
import type { TermLinks } from "../groups/term-links.ts";
import { nameIn, removeFileNow } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import {
  brokenLease,
  heldLease,
  leaseHeader,
  leasesIn,
  MAX_SLOTS,
  noteOwnLease,
  type SlotState,
  slotOffset,
  slotText,
  textAt,
  writeText,
} from "./lease-files.ts";
import type { OwnerRecord } from "./owner.ts";

/** Attempts at writing into a folder that other processes remove when it is empty. */
const ATTEMPTS = 8;

/** The file of a group's lease. It is open, because the system may give the inode of a removed file to the next lease. */
export interface HeldLease {
  readonly fd: number;
  readonly found: Stats;
}

/** What a group adds to the lease of one of its processes. */
export interface SharedLease {
  /** The lease of the group, which has no slots. */
  readonly held: HeldLease;
  /** Which process of the group has which path. */
  readonly links: TermLinks;
}

/** What stands in the way of a claim. */
export type Obstacle = "taken" | "broken";

/** The lease of this process, or its part of the lease of its group. It may have been broken. */
export class Lease {
  readonly #reserved: Reserved;
  readonly #fd: number;
  readonly #found: Stats;
  readonly #shared: SharedLease | undefined;
  readonly #free: number[] = [];
  readonly #keys = new Map<number, string>();
  #slots: number;
  readonly #forget: () => void;
  #isClosed = false;

  /**
   * @param fd The open file with the slots.
   * @param shared The lease of the group, whose file is closed with this one. Default: the file is the lease itself.
   * @param slots How many slots it has already. Default 0.
   */
  constructor(reserved: Reserved, fd: number, shared?: SharedLease, slots = 0) {
    this.#reserved = reserved;
    this.#fd = fd;
    this.#shared = shared;
    this.#slots = slots;
    this.#found = fstatSync(fd);
    this.#forget = noteOwnLease(this.#found);
  }

  /**
   * Takes the lease, if no other process has it. The lease does not count yet: this process must check for other claims
   * first.
   *
   * @throws Errors of the operating system.
   */
  static take(reserved: Reserved, owner: OwnerRecord): Lease | undefined {
    const header = leaseHeader(owner);
    if (!header) return undefined;
    for (let attempt = 1; ; attempt++) {
      makeFolderSync(reserved.temporary);
      makeFolderSync(reserved.leases);
      const temporary = nameIn(reserved.temporary);
      let lease: Lease | undefined;
      try {
        lease = new Lease(
          reserved,
          openSync(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600),
        );
        writeSync(lease.#fd, header, 0, header.length, 0);
        linkSync(temporary, heldLease(reserved));
        return lease;
      } catch (error) {
        if (lease) lease.#close();
        if (errorCode(error) === "EEXIST") return undefined;
        if (!isMissing(error) || attempt === ATTEMPTS) throw error;
      } finally {
        removeFileNow(temporary);
      }
    }
  }

  /** Which process of the group has which path; undefined if this process is on its own. */
  get links(): TermLinks | undefined {
    return this.#shared?.links;
  }

  /** Whether no other process has broken it. Checks the disk. */
  get isIntact(): boolean {
    if (this.#isClosed) return false;
    try {
      const found = statSync(heldLease(this.#reserved), { throwIfNoEntry: false });
      return found !== undefined && isSame(found, this.#shared?.held.found ?? this.#found);
    } catch {
      return false;
    }
  }

  /**
   * Claims a path: marks a slot, and then checks that the lease counts. A process that breaks the lease before that
   * check makes this one claim by path; one that breaks it later finds the slot. In a group, the link comes first: it
   * keeps the other processes of the group out.
   *
   * @returns Its place; `taken` if another process of the group has the path, `broken` if the lease is broken or full.
   * @throws Errors of the operating system.
   */
  mark(key: string, isKept: boolean): number | Obstacle {
    const at = this.#free.pop() ?? this.#slots;
    if (at >= MAX_SLOTS) return "broken";
    this.#slots = Math.max(this.#slots, at + 1);
    if (this.links) {
      const isOurs = this.links.take(key, isKept);
      if (!isOurs) {
        this.#free.push(at);
        if (isOurs === undefined) this.break();
        return isOurs === undefined ? "broken" : "taken";
      }
      this.#keys.set(at, key);
    }
    try {
      writeText(this.#fd, slotText("+", key, isKept), slotOffset(at));
      if (this.isIntact) return at;
    } catch (error) {
      this.free(at);
      throw error;
    }
    this.free(at);
    return "broken";
  }

  /** Frees a slot. If that fails, processes outside the group see the claim until the lease is released. */
  free(at: number): void {
    try {
      writeText(this.#fd, "-", slotOffset(at));
      this.#free.push(at);
    } catch {
      // It is not used again.
    }
    this.#unlink(at);
  }

  /** Frees the path of a slot for the other processes of the group. */
  #unlink(at: number): void {
    const key = this.#keys.get(at);
    this.#keys.delete(at);
    if (key === undefined) return;
    try {
      this.links?.free(key);
    } catch {
      // Claims by path do not depend on the links.
      this.break();
    }
  }

  /**
   * The state of a slot; undefined if the lease was removed, with the whole folder. No other process sees it then.
   *
   * @throws Errors of the operating system.
   */
  stateOf(at: number): SlotState | undefined {
    if (fstatSync(this.#fd).nlink === 0) return undefined;
    return textAt(this.#fd, slotOffset(at), 1) as SlotState;
  }

  /**
   * Breaks the lease, as another process does before it claims by path.
   *
   * @throws Errors of the operating system.
   */
  break(): void {
    if (!this.isIntact) return;
    try {
      renameSync(heldLease(this.#reserved), brokenLease(this.#reserved));
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  /**
   * Removes it. It must have no claims. The lease of the group stays, unless it was broken.
   *
   * @throws Errors of the operating system.
   */
  remove(): void {
    if (this.#isClosed) return;
    // Break it first: by the time of a removal under this name, another process may have the lease.
    if (!this.#shared) this.break();
    const own = [this.#found, ...(this.#shared ? [this.#shared.held.found] : [])];
    for (const lease of leasesIn(this.#reserved)) {
      const found = statSync(lease, { throwIfNoEntry: false });
      const isOwn = found !== undefined && own.some((each) => isSame(each, found));
      if (isOwn && lease !== heldLease(this.#reserved)) removeFileNow(lease);
    }
    for (const at of [...this.#keys.keys()]) this.#unlink(at);
    this.links?.leave();
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#forget();
    closeSync(this.#fd);
    if (this.#shared) closeSync(this.#shared.held.fd);
  }
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}
