/**
 * The lease of a root, held by this process: a file with one slot per claim.
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
  unlinkSync,
  writeSync,
} from "node:fs";
import { errorCode, isMissing } from "../folders/errors.ts";
import { makeFolderSync } from "../folders/folder.ts";
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

/** A lease of this process. It may have been broken. */
export class Lease {
  readonly #reserved: Reserved;
  readonly #fd: number;
  readonly #found: Stats;
  readonly #free: number[] = [];
  #slots = 0;
  readonly #forget: () => void;
  #isClosed = false;

  private constructor(reserved: Reserved, fd: number) {
    this.#reserved = reserved;
    this.#fd = fd;
    this.#found = fstatSync(fd);
    this.#forget = noteOwnLease(this.#found);
  }

  /**
   * Takes the lease, if no other process has it. It does not yet count: this process must check for other claims first.
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

  /** Whether no other process has broken it. Checks the disk. */
  get isIntact(): boolean {
    try {
      const found = statSync(heldLease(this.#reserved), { throwIfNoEntry: false });
      return found !== undefined && found.ino === this.#found.ino && found.dev === this.#found.dev;
    } catch {
      return false;
    }
  }

  /**
   * Claims a path: marks a slot, and then checks that the lease counts. A process that has broken it before that check
   * goes by path; one that breaks it later finds the slot.
   *
   * @returns Its place; undefined if the lease is broken or full.
   * @throws Errors of the operating system.
   */
  mark(key: string, isKept: boolean): number | undefined {
    const at = this.#free.pop() ?? this.#slots;
    if (at >= MAX_SLOTS) return undefined;
    this.#slots = Math.max(this.#slots, at + 1);
    try {
      writeText(this.#fd, slotText("+", key, isKept), slotOffset(at));
      if (this.isIntact) return at;
    } catch (error) {
      this.free(at);
      throw error;
    }
    this.free(at);
    return undefined;
  }

  /** Frees a slot. If that fails, others see the claim until the lease is released. */
  free(at: number): void {
    try {
      writeText(this.#fd, "-", slotOffset(at));
      this.#free.push(at);
    } catch {
      // It is not used again.
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
   * Breaks it, as another process does that wants claims by path.
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
   * Removes it. It must have no claims.
   *
   * @throws Errors of the operating system.
   */
  remove(): void {
    if (this.#isClosed) return;
    // Break it first: by the time of a removal under this name, another process may have the lease.
    this.break();
    const mine = leasesIn(this.#reserved).find((lease) => {
      const found = statSync(lease, { throwIfNoEntry: false });
      return found?.ino === this.#found.ino && found.dev === this.#found.dev;
    });
    if (mine !== undefined && mine !== heldLease(this.#reserved)) unlinkSync(mine);
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#forget();
    closeSync(this.#fd);
  }
}
