/**
 * The leases of a root as files: their contents, and how other processes read and change them.
 *
 * A lease begins with a line about its owner. A *slot* for each claim follows: one character for its state, the key of
 * the path, a `k` if the claim is cached between many short appends, and a line end. `held` is the lease that counts. A
 * process that claims by path breaks the lease by renaming it. A broken lease gets no new claims, and its claims are in
 * its slots until their owner has made entries for them.
 * @module
 */
import { randomUUID } from "node:crypto";
import {
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { errorCode, isMissing } from "../folders/errors.ts";
import { entryIn } from "../folders/names.ts";
import { fileKey, type Reserved } from "../reserved/layout.ts";
import { NO_WAIT } from "../reserved/small-file.ts";
import { isOwnerRecord, type OwnerRecord } from "./owner.ts";

/** The name of the lease that counts. */
const HELD = "held";

/** Bytes before the first slot. */
export const HEADER_BYTES = 1_024;

/** Bytes of a slot. Slots do not cross the pages of the system's cache. */
const SLOT_BYTES = 64;

/** Follows the key of a cached claim. */
const KEPT = "k";

/** Maximum number of slots of a lease. Further claims are made by path. */
export const MAX_SLOTS = 16_384;

/**
 * The state of a slot. `+`: its owner has the path. `!`: another process has taken the path over, and must still fence
 * the owner off. `-`: free.
 */
export type SlotState = "+" | "!" | "-";

/** A slot of another process. */
export interface Slot {
  /** The path of the lease. */
  readonly lease: string;
  /** Its index among the slots. */
  readonly at: number;
  readonly owner: OwnerRecord;
  readonly key: string;
  readonly state: SlotState;
  /** Whether the claim is cached between many short appends. */
  readonly isKept: boolean;
}

/** The leases of this process, by device and inode. */
const ownLeases = new Set<string>();

/** The path of the lease that counts. */
export function heldLease({ leases }: Reserved): string {
  return entryIn(leases, HELD);
}

/** A path for a broken lease. */
export function brokenLease({ leases }: Reserved): string {
  return join(leases, randomUUID());
}

/** The first part of a lease: its owner, and the term if the owner is a group or one of its processes. */
export type LeaseOwner = OwnerRecord & { readonly term?: string };

/** The first part of a lease; undefined for an owner whose record is too long. */
export function leaseHeader(owner: LeaseOwner): Buffer | undefined {
  const text = JSON.stringify(owner);
  const header = Buffer.alloc(HEADER_BYTES, " ");
  header[HEADER_BYTES - 1] = 10;
  return header.write(text) === Buffer.byteLength(text) && text.length < HEADER_BYTES - 1 ? header : undefined;
}

/** The text of a slot. */
export function slotText(state: SlotState, key: string, isKept = false): string {
  return `${state}${key}${isKept ? KEPT : ""}`.padEnd(SLOT_BYTES - 1).concat("\n");
}

/** The offset of a slot. */
export function slotOffset(at: number): number {
  return HEADER_BYTES + at * SLOT_BYTES;
}

/** Notes that a file is a lease of this process. Call the result before it is closed. */
export function noteOwnLease({ dev, ino }: Stats): () => void {
  ownLeases.add(`${dev} ${ino}`);
  return () => ownLeases.delete(`${dev} ${ino}`);
}

/** Whether a file is a lease of this process. */
function isOwnLease({ dev, ino }: Stats): boolean {
  return ownLeases.has(`${dev} ${ino}`);
}

/**
 * Whether another process has the lease, or has left a broken one. Synchronous: usually this is one check of the disk.
 *
 * @throws Errors of the operating system.
 */
export function hasForeignLease(reserved: Reserved): boolean {
  return leasesIn(reserved).some((lease) => {
    const found = leaseAt(lease);
    return found !== undefined && !isOwnLease(found);
  });
}

/** Undefined if there is no lease, or if a file is in the place of their folder. */
function leaseAt(lease: string): Stats | undefined {
  try {
    return lstatSync(lease, { throwIfNoEntry: false });
  } catch (error) {
    if (errorCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/**
 * Breaks the lease of another process, if there is one. From then on, that process claims no path by it.
 *
 * @throws Errors of the operating system.
 */
export function breakForeignLease(reserved: Reserved): void {
  const held = heldLease(reserved);
  const found = leaseAt(held);
  if (!found || isOwnLease(found)) return;
  try {
    renameSync(held, brokenLease(reserved));
  } catch (error) {
    // Another process has just broken it, or its owner has given it up.
    if (!isMissing(error)) throw error;
  }
}

/**
 * The slots of other processes for a file that are not free, and those of this one that others have moved away.
 *
 * Read the slots before the entries: the owner of a broken lease removes its slots once it has entered them.
 *
 * @param term Leases of this term are left out. Default: none.
 * @throws Errors of the operating system.
 */
export function slotsOf(reserved: Reserved, file: string, self: OwnerRecord, term?: string): Slot[] {
  const key = fileKey(reserved, file);
  return foreignSlots(reserved, self, term).filter((slot) => slot.key === key);
}

/** As {@link slotsOf}, for all files. */
export function foreignSlots(reserved: Reserved, self: OwnerRecord, term?: string): Slot[] {
  return leasesIn(reserved)
    .filter((lease) => term === undefined || ownerOfLease(lease)?.term !== term)
    .flatMap((lease) => readLease(lease)?.slots ?? [])
    .filter(({ owner, state }) => state === "!" || (state === "+" && owner.id !== self.id));
}

/** The paths of all leases of a root, the one that counts first. */
export function leasesIn({ leases }: Reserved): string[] {
  try {
    const names = readdirSync(leases);
    return names.sort((one, other) => Number(other === HELD) - Number(one === HELD)).map((name) => join(leases, name));
  } catch (error) {
    if (isMissing(error) || errorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** A lease as it is now. */
export interface LeaseContent {
  readonly owner: LeaseOwner;
  readonly slots: readonly Slot[];
}

/**
 * Reads a lease.
 *
 * @returns Undefined if it does not exist, or is torn, as after a power cut.
 * @throws Errors of the operating system.
 */
export function readLease(lease: string): LeaseContent | undefined {
  const bytes = bytesOf(lease);
  const owner = bytes && ownerIn(bytes);
  if (!owner) return undefined;
  const slots: Slot[] = [];
  for (let at = 0; slotOffset(at) + 41 <= bytes.length; at++) {
    const text = bytes.toString("latin1", slotOffset(at), slotOffset(at) + 42);
    const [state, key, isKept] = [text[0] as SlotState, text.slice(1, 41), text[41] === KEPT];
    slots.push({ lease, at, owner, key, state, isKept });
  }
  return { owner, slots };
}

/**
 * Reads the first part of a lease.
 *
 * @returns Undefined if the lease does not exist, or is torn.
 * @throws Errors of the operating system.
 */
export function ownerOfLease(lease: string): LeaseOwner | undefined {
  const fd = openLease(lease);
  if (fd === undefined) return undefined;
  try {
    return ownerInFile(fd);
  } finally {
    closeSync(fd);
  }
}

/** As {@link ownerOfLease}, for the open file of a lease. */
export function ownerInFile(fd: number): LeaseOwner | undefined {
  const bytes = Buffer.alloc(HEADER_BYTES);
  return ownerIn(bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)));
}

/**
 * Changes the state of another process's slot, if it is in one state of `from`.
 *
 * @returns Whether it is in the new state now. False if the lease is gone.
 * @throws Errors of the operating system.
 */
export function setSlot({ lease, at, key }: Slot, from: SlotState, to: SlotState): boolean {
  const fd = openLease(lease, "r+");
  if (fd === undefined) return false;
  try {
    if (textAt(fd, slotOffset(at), 41) !== `${from}${key}`) return false;
    writeText(fd, to, slotOffset(at));
    return true;
  } finally {
    closeSync(fd);
  }
}

/** Whether a slot is still as it was seen. */
export function isSlotThere({ lease, at, key, state }: Slot): boolean {
  const fd = openLease(lease);
  if (fd === undefined) return false;
  try {
    return textAt(fd, slotOffset(at), 41) === `${state}${key}`;
  } finally {
    closeSync(fd);
  }
}

/** Writes a few bytes of text, in one piece. As bytes: Deno does not write a string where it should. */
export function writeText(fd: number, text: string, offset: number): void {
  const bytes = Buffer.from(text, "latin1");
  // On a full disk, the system may write less than a slot, or nothing.
  if (writeSync(fd, bytes, 0, bytes.length, offset) !== bytes.length) throw new Error("The lease is incomplete.");
}

/** Reads a few bytes as text. */
export function textAt(fd: number, offset: number, length: number): string {
  const bytes = Buffer.alloc(length);
  return bytes.toString("latin1", 0, readSync(fd, bytes, 0, length, offset));
}

function ownerIn(bytes: Buffer): LeaseOwner | undefined {
  try {
    const owner: unknown = JSON.parse(bytes.toString("utf8", 0, HEADER_BYTES));
    return isOwnerRecord(owner) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(lease: string): Buffer | undefined {
  const fd = openLease(lease);
  if (fd === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(fd).size, slotOffset(MAX_SLOTS)));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** Opens a lease. Undefined if there is no such file, or something other than a file. */
export function openLease(lease: string, flags: "r" | "r+" = "r"): number | undefined {
  let fd: number;
  try {
    fd = openSync(lease, NO_WAIT | (flags === "r" ? 0 : 2));
  } catch (error) {
    if (isMissing(error) || ["EISDIR", "ELOOP", "ENOTDIR", "ENXIO"].includes(errorCode(error))) return undefined;
    throw error;
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  return undefined;
}
