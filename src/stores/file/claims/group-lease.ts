/**
 * The lease that the processes of a group share.
 *
 * Its file has no slots, and names the process that started the group. Each process of the group has a file of its own
 * for its slots. To other processes, that file looks like a broken lease that is still in use, so they read it, and
 * earlier versions do, too. Inside the group, links decide which process has a path; see `term-links.ts`.
 * @module
 */
import { randomUUID } from "node:crypto";
import { closeSync, constants, fstatSync, linkSync, lstatSync, openSync, renameSync, writeSync } from "node:fs";
import { errorCode, isMissing } from "../folders/errors.ts";
import { makeFolderSync } from "../folders/folder.ts";
import { ownGroup, type ProcessGroup } from "../groups/process-group.ts";
import { type LinkOwner, linkOwner, TermLinks } from "../groups/term-links.ts";
import { nameIn, removeFileNow } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import { type HeldLease, Lease } from "./lease.ts";
import { brokenLease, heldLease, leaseHeader, openLease, ownerInFile, ownerOfLease, slotText } from "./lease-files.ts";
import type { OwnerRecord } from "./owner.ts";

/** Attempts at writing into a folder that other processes remove when it is empty. */
const ATTEMPTS = 8;

/**
 * The key of the first slot, which is never free: other processes would take an unused file for a broken lease, and
 * remove it.
 */
const PINNED = "0".repeat(40);

/** The slots that a new file begins with. */
const PINNED_SLOTS = 1;

/** The lease of a group, as its file shows it. */
export interface GroupLease {
  /** A random id, stored in the file. */
  readonly term: string;
}

/**
 * The lease that the group of this process has now; undefined if it has none, or there is no group.
 *
 * @throws Errors of the operating system.
 */
export function groupLease(reserved: Reserved): GroupLease | undefined {
  const held = openHeld(reserved);
  if (held) closeSync(held.fd);
  return held && { term: held.term };
}

/** The lease of the group, open. */
function openHeld(reserved: Reserved): (GroupLease & HeldLease) | undefined {
  const group = ownGroup();
  const name = heldLease(reserved);
  const fd = group && openLease(name);
  if (fd === undefined) return undefined;
  let held: (GroupLease & HeldLease) | undefined;
  try {
    const found = fstatSync(fd);
    const owner = ownerInFile(fd);
    const isOurs = owner?.id === group?.id && owner?.term !== undefined;
    // Another process may have broken it since it was opened.
    const now = isOurs ? lstatSync(name, { throwIfNoEntry: false }) : undefined;
    if (isOurs && now?.ino === found.ino && now.dev === found.dev) held = { term: owner.term, fd, found };
    return held;
  } finally {
    if (!held) closeSync(fd);
  }
}

/** The paths of the other processes of a group, while the group has the lease. */
export interface GroupView {
  readonly term: string;
  /**
   * The owner of a path; undefined if no other process of the group has it by the lease.
   *
   * @throws Errors of the operating system.
   */
  ownerOf(key: string): LinkOwner | undefined;
}

/**
 * The paths that the other processes of the group have now.
 *
 * @returns Undefined if there is no group, or it does not have the lease.
 * @throws Errors of the operating system.
 */
export function groupView(reserved: Reserved, self: OwnerRecord): GroupView | undefined {
  const term = groupLease(reserved)?.term;
  if (term === undefined) return undefined;
  return {
    term,
    ownerOf(key) {
      const owner = linkOwner(reserved, term, key);
      return owner === undefined || owner === "unknown" || owner.id === self.id ? undefined : owner;
    },
  };
}

/**
 * Joins the lease of the group, and takes it for the group if it is free. The lease does not count yet: this process
 * must check for other claims first.
 *
 * @returns Undefined if another process has the lease.
 * @throws Errors of the operating system.
 */
export function joinLease(reserved: Reserved, owner: OwnerRecord, group: ProcessGroup): Lease | undefined {
  const held = openHeld(reserved) ?? takeForGroup(reserved, group);
  if (!held) return undefined;
  let lease: Lease | undefined;
  try {
    lease = leaseIn(reserved, owner, held);
  } finally {
    if (!lease) closeSync(held.fd);
  }
  if (!lease || lease.isIntact) return lease;
  lease.remove();
  return undefined;
}

/** Makes the file for the slots of this process. */
function leaseIn(reserved: Reserved, owner: OwnerRecord, held: GroupLease & HeldLease): Lease | undefined {
  const header = leaseHeader({ ...owner, term: held.term });
  if (!header) return undefined;
  const links = TermLinks.join(reserved, held.term, owner);
  const fd = newFile(reserved, Buffer.concat([header, Buffer.from(slotText("+", PINNED), "latin1")]), (file) => {
    renameSync(file, brokenLease(reserved));
  });
  return fd === undefined ? undefined : new Lease(reserved, fd, { held, links }, PINNED_SLOTS);
}

function takeForGroup(reserved: Reserved, group: ProcessGroup): (GroupLease & HeldLease) | undefined {
  const header = leaseHeader({ ...group, term: randomUUID() });
  const fd = header && newFile(reserved, header, (file) => linkSync(file, heldLease(reserved)));
  if (fd !== undefined) closeSync(fd);
  // Another process of the group may have been faster.
  return openHeld(reserved);
}

/**
 * Writes a file, and gives it its name once it is whole.
 *
 * @returns The open file; undefined if the name is taken.
 */
function newFile(reserved: Reserved, content: Uint8Array, giveName: (file: string) => void): number | undefined {
  for (let attempt = 1; ; attempt++) {
    makeFolderSync(reserved.temporary);
    makeFolderSync(reserved.leases);
    const temporary = nameIn(reserved.temporary);
    let fd: number | undefined;
    try {
      fd = openSync(temporary, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
      writeSync(fd, content, 0, content.length, 0);
      giveName(temporary);
      return fd;
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      if (errorCode(error) === "EEXIST") return undefined;
      if (!isMissing(error) || attempt === ATTEMPTS) throw error;
    } finally {
      removeFileNow(temporary);
    }
  }
}

/** Ends the lease of a group whose processes have all ended. Errors are left to the next start. */
export function endGroup(reserved: Reserved, { id }: Pick<ProcessGroup, "id">): void {
  try {
    const held = heldLease(reserved);
    if (ownerOfLease(held)?.id !== id) return;
    const broken = brokenLease(reserved);
    renameSync(held, broken);
    // Between the two, another process may have taken the lease, and may have claims by it.
    if (ownerOfLease(broken)?.id === id) removeFileNow(broken);
  } catch {
    // A lease whose owner has ended does not keep other processes from the root.
  }
}
