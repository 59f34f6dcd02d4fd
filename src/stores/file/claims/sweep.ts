/**
 * Removes leftovers of ended processes, crashes and manual changes from a root's reserved folder.
 *
 * Other processes may be working there. So each file is removed by its own name, and only if no process can need it.
 * @module
 */
import { rm, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { namesIn } from "../folders/folder.ts";
import { isDead } from "../processes/process-identity.ts";
import { readJsonFile } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import { isForgotten, isOrphaned } from "../reserved/orphans.ts";
import { sweepSockets } from "../reserved/sockets.ts";
import { removeEmpty, unreadMarkers } from "./entries.ts";
import { breakForeignLease, heldLease, leasesIn, ownerOfLease, readLease } from "./lease-files.ts";
import { isOwnerRecord, type Owner } from "./owner.ts";

/**
 * Removes what no process needs any more.
 *
 * @throws Errors of the operating system.
 */
export async function sweep(reserved: Reserved, owner: Owner): Promise<void> {
  for (const place of [dirname(reserved.claims), ...Object.values(reserved)]) await clearWay(place);
  for (const key of await namesIn(reserved.claims)) await sweepClaims(join(reserved.claims, key), owner);
  await sweepLeases(reserved, owner);
  await sweepGroups(reserved, owner);
  await sweepSockets(reserved, owner.record);
  for (const place of [reserved.servers, reserved.handovers]) {
    for (const name of await namesIn(place)) {
      const file = join(place, name);
      if ((await isAbandoned(file, owner)) || (await isForgotten(file, owner.leftovers))) await remove(file);
    }
  }
  for (const name of await namesIn(reserved.temporary)) {
    const file = join(reserved.temporary, name);
    if (await isOrphaned(file, owner)) await remove(file);
  }
}

/**
 * Removes leases that no process needs: of ended processes, whose journals must have been recovered before; broken ones
 * without claims; and torn ones.
 */
async function sweepLeases(reserved: Reserved, owner: Owner): Promise<void> {
  const held = heldLease(reserved);
  const isLeft = (lease: string): boolean => {
    const found = readLease(lease);
    if (!found) return true;
    if (found.slots.some(({ state }) => state === "!")) return false;
    return isDead(found.owner, owner.record) || (lease !== held && !found.slots.some(({ state }) => state === "+"));
  };
  if (isLeft(held)) breakForeignLease(reserved);
  for (const lease of leasesIn(reserved)) if (lease !== held && isLeft(lease)) await remove(lease);
}

/**
 * Removes what ended processes have left in the terms of groups. A link of the present term must not be removed while
 * the lease counts, because another process may have the path by then. So this breaks the lease first.
 */
async function sweepGroups(reserved: Reserved, owner: Owner): Promise<void> {
  const held = heldLease(reserved);
  for (const term of await namesIn(reserved.groups)) {
    const folder = join(reserved.groups, term);
    for (const name of await namesIn(folder)) {
      const file = join(folder, name);
      if (!(await isAbandoned(file, owner))) continue;
      if (ownerOfLease(held)?.term === term) breakForeignLease(reserved);
      await remove(file);
    }
    await removeEmpty(folder);
  }
}

async function sweepClaims(folder: string, owner: Owner): Promise<void> {
  await clearWay(folder);
  const names = await namesIn(folder);
  const left: string[] = [];
  for (const name of names) {
    if (/^([0-9]|away-|watch-)/.test(name) && (await isAbandoned(join(folder, name), owner))) {
      await remove(join(folder, name));
    } else {
      left.push(name);
    }
  }
  for (const marker of unreadMarkers(left)) await remove(join(folder, marker));
  await removeEmpty(folder);
}

/**
 * Whether the owner in a file is an ended process, or is torn. A torn file is not a write in progress: files are
 * written whole or not at all.
 */
async function isAbandoned(file: string, owner: Owner): Promise<boolean> {
  const record = await readJsonFile(file);
  // The file has gone since the folder was listed. A server's file may be back at any moment.
  if (record === undefined) return false;
  return !isOwnerRecord(record) || isDead(record, owner.record);
}

/** Removes anything that stands where a folder must be. */
async function clearWay(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found && !found.isDirectory()) await unlink(folder);
}

/** Removes a file, or anything else in its place. */
async function remove(file: string): Promise<void> {
  await rm(file, { recursive: true, force: true });
}
