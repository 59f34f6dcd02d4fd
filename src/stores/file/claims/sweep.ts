/**
 * Removing what processes that have gone, crashes and hands have left behind in a root's reserved folder.
 *
 * Other processes may be at work there: only what certainly belongs to nobody is removed, by its name.
 * @module
 */
import { rm, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { namesIn } from "../folders/folder.ts";
import { isDead } from "../processes/process-identity.ts";
import { readWhole } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import { isForgotten, isOrphaned } from "../reserved/orphans.ts";
import { isOwnerRecord, removeEmpty, unreadMarkers } from "./entries.ts";
import type { Owner } from "./owner.ts";

/** Removes what nobody needs any more. */
export async function sweep(reserved: Reserved, owner: Owner): Promise<void> {
  for (const place of [dirname(reserved.claims), ...Object.values(reserved)]) await clearWay(place);
  for (const key of await namesIn(reserved.claims)) await sweepClaims(join(reserved.claims, key), owner);
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
  for (const word of unreadMarkers(left)) await remove(join(folder, word));
  await removeEmpty(folder);
}

/** Whether a file says that it belongs to a process that has gone, or is torn. Files are written whole or not at all. */
async function isAbandoned(file: string, owner: Owner): Promise<boolean> {
  const record = await readWhole(file);
  // Gone since the folder was listed; a server's file may be back at any moment.
  if (record === undefined) return false;
  return !isOwnerRecord(record) || isDead(record, owner.record);
}

/** Removes what stands where a folder has to be. */
async function clearWay(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found && !found.isDirectory()) await unlink(folder);
}

/** Removes a file, or whatever somebody has put in its place. */
async function remove(file: string): Promise<void> {
  await rm(file, { recursive: true, force: true });
}
