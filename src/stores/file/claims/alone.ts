/**
 * Whether other processes prevent claims by the lease: a process outside the group prevents all of them, and a process
 * of the group prevents that of its path.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { namesIn } from "../folders/folder.ts";
import { linkOwner } from "../groups/term-links.ts";
import { isDead } from "../processes/process-identity.ts";
import { readJsonFile } from "../reserved/atomic-write.ts";
import type { Reserved } from "../reserved/layout.ts";
import { judgeOwner } from "./entries.ts";
import { groupLease } from "./group-lease.ts";
import { breakForeignLease, heldLease, readLease } from "./lease-files.ts";
import { isOwnerRecord, type Owner } from "./owner.ts";
import { takenBy } from "./survey.ts";

/**
 * Whether no living process outside the group has claims. Breaks the lease of a process that has ended.
 *
 * @throws Errors of the operating system.
 */
export async function isAlone(reserved: Reserved, owner: Owner): Promise<boolean> {
  // The group has checked that already, and any other process breaks its lease.
  if (groupLease(reserved)) return true;
  const { id: self, group } = owner.record;
  for (const id of await namesIn(reserved.servers)) {
    if (id === self) continue;
    const other = await readJsonFile(join(reserved.servers, id));
    if (!isOwnerRecord(other) || isDead(other, owner.record)) continue;
    if (group !== undefined && other.group === group) continue;
    if ((await judgeOwner(other, owner)) === "alive") return false;
  }
  const held = heldLease(reserved);
  if (!existsSync(held)) return true;
  const other = readLease(held)?.owner;
  if (other && other.id !== self && !isDead(other, owner.record)) {
    const verdict = await judgeOwner(other, owner);
    const isGone = owner.signs.known(owner.signOf(other))?.isMissing;
    // Another process of the group has taken it for the group meanwhile.
    if (other.id === group) return true;
    if (verdict === "alive" && !isGone) return false;
  }
  breakForeignLease(reserved);
  return true;
}

/** A path that another process of the group has, or has had. */
export interface LinkedPath {
  readonly term: string;
  readonly key: string;
  /** The resource path, for messages. */
  readonly path: string;
  /** Milliseconds without a sign of life after which its owner is silent. */
  readonly leaseMs: number;
}

/**
 * Whether a path is free again. False if its owner has ended or is silent: then it must be taken over by path, once the
 * lease is broken.
 *
 * @throws {StreamError} `conflict` if its owner is alive; errors of the operating system.
 */
export async function isFreed(reserved: Reserved, self: Owner, linked: LinkedPath): Promise<boolean> {
  const { term, key, path, leaseMs } = linked;
  const owner = linkOwner(reserved, term, key);
  if (owner === undefined) return true;
  if (owner !== "unknown" && (await judgeOwner(owner, self, leaseMs)) === "alive") throw takenBy(path, owner, self);
  return false;
}
