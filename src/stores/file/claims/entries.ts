/**
 * The contents of a path's claims folder, and what they mean.
 *
 * An *entry* is a process's claim; its name begins with a digit. `away-` and an entry's name: an entry that was moved
 * away from a silent owner. `ended-`, how an append ended, and an entry's name: an end marker, which the owner leaves
 * for watchers. `watch-`: a watcher, which wants to read that end marker.
 * @module
 */
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rmdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { isMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { entryIn } from "../folders/names.ts";
import { linkOf } from "../groups/term-links.ts";
import { isDead, isVisible } from "../processes/process-identity.ts";
import { readJsonFile, removeFile } from "../reserved/atomic-write.ts";
import { fileKey, type Reserved } from "../reserved/layout.ts";
import { type GroupView, groupView } from "./group-lease.ts";
import { hasForeignLease, isSlotThere, type Slot, slotsOf } from "./lease-files.ts";
import { isOwnerRecord, LEASE_MS, type Owner, type OwnerRecord } from "./owner.ts";

/** An entry: where it is, and its owner. */
export interface Entry {
  /** The name of its file in the folder. */
  readonly name: string;
  /** The path of its file. */
  readonly file: string;
  /** With whether the claim is cached between many short appends. */
  readonly owner: OwnerRecord & { readonly isKept?: boolean };
  /** The slot, for a claim by the lease of the whole root. It has no file of its own then. */
  readonly slot?: Slot;
}

/** The state of an entry's owner, as this process sees it. */
export type Verdict = "alive" | "dead" | "silent";

/** Prefix of the names of entries that were moved away. */
export const AWAY = "away-";

/** Prefix of the names of watchers. */
export const WATCH = "watch-";

const ENDED = "ended-";

/** Milliseconds without a sign of life after which an owner is doubtful. Owners give one every second. */
const DOUBT_MS = 3_000;

/** The paths of the entries that this process has made and not released. */
export const ownEntries: Set<string> = new Set<string>();

/** The claims folder of a file. */
export function claimsFolder(reserved: Reserved, file: string): string {
  return entryIn(reserved.claims, fileKey(reserved, file));
}

/**
 * Reads the entries among the names in a claims folder. Skips missing and torn ones.
 *
 * @throws Errors of the operating system.
 */
export async function readEntries(folder: string, names: readonly string[]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const name of names.filter((each) => /^[0-9]/.test(each))) {
    const file = join(folder, name);
    const owner = await readJsonFile(file);
    if (isOwnerRecord(owner)) entries.push({ name, file, owner });
  }
  return entries;
}

/**
 * The name of the next entry. Its number is greater than those of all names in the folder. So the numbers give the
 * order of arrival, independent of clocks.
 */
export function nextName(names: readonly string[]): string {
  const numbers = names.map((name) => Number(/^(?:away-|ended-[a-z]+-)?(\d+)-/.exec(name)?.[1] ?? 0));
  return `${1 + Math.max(0, ...numbers)}-${randomUUID()}`;
}

/**
 * Judges the owner of an entry.
 *
 * @param leaseMs Milliseconds without a sign of life after which an owner is silent. Default {@link LEASE_MS}.
 * @throws Errors of the operating system.
 */
export async function judge({ file, owner, slot }: Entry, self: Owner, leaseMs: number = LEASE_MS): Promise<Verdict> {
  // This process has removed its entry. If the entry is there again, another process has restored it since.
  if (owner.id === self.record.id) return ownEntries.has(file) ? "alive" : "dead";
  const verdict = await judgeOwner(owner, self, leaseMs);
  // An owner removes its entries before its sign of life.
  const hasEnded = self.signs.known(self.signOf(owner))?.isMissing && (slot ? !isSlotThere(slot) : await isGone(file));
  return hasEnded ? "dead" : verdict;
}

/**
 * Judges an owner. Unless `/proc` shows that it has ended, it is alive until this process has seen no sign of life for
 * a whole lease, by its own clock. An owner that was never observed before counts as alive.
 *
 * @param leaseMs Milliseconds without a sign of life after which an owner is silent. Default {@link LEASE_MS}.
 * @throws Errors of the operating system.
 */
export async function judgeOwner(owner: OwnerRecord, self: Owner, leaseMs: number = LEASE_MS): Promise<Verdict> {
  if (isDead(owner, self.record)) return "dead";
  const { quietMs } = await self.signs.look(self.signOf(owner));
  return quietMs >= leaseMs ? "silent" : "alive";
}

/**
 * Milliseconds until an owner counts as silent, if it gives no sign of life meanwhile. Undefined for a busy owner: it
 * has been quiet for less than {@link DOUBT_MS}, and this process has seen a sign of life or can see the owner in
 * `/proc`. Also undefined for an owner that was never observed.
 */
export function silentInMs(owner: OwnerRecord, self: Owner): number | undefined {
  const seen = self.signs.known(self.signOf(owner));
  if (!seen) return undefined;
  const isKnown = seen.hasChanged || isVisible(owner, self.record);
  return isKnown && seen.quietMs < DOUBT_MS ? undefined : Math.max(0, LEASE_MS - seen.quietMs);
}

/**
 * Begins to observe the signs of life of all other owners, so that this process knows in time which are silent.
 *
 * @throws Errors of the operating system.
 */
export async function observeOwners(reserved: Reserved, self: Owner): Promise<void> {
  const others = (await namesIn(reserved.servers)).filter((name) => name !== self.record.id);
  await Promise.all(others.map((id) => self.signs.look(join(reserved.servers, id))));
}

/**
 * The entries of owners that have a file, had it until they fell silent, or are claiming it.
 *
 * @param group What the group has. Default: it is looked up.
 * @throws Errors of the operating system.
 */
export async function claimantsOf(
  reserved: Reserved,
  owner: Owner,
  file: string,
  group: GroupView | undefined = groupView(reserved, owner.record),
): Promise<Entry[]> {
  const folder = claimsFolder(reserved, file);
  const linked = linkedEntry(reserved, group, basename(folder));
  // Slots first: their owner removes them once it has entered them. Those of the group may be many, and have links.
  const leased = leasedEntries(slotsOf(reserved, file, owner.record, group?.term));
  const byPath = await readEntries(folder, await namesIn(folder));
  const isTwice = byPath.some(({ owner: { id } }) => id === linked?.owner.id);
  const entries = [...leased, ...(linked && !isTwice ? [linked] : []), ...byPath];
  const verdicts = await Promise.all(entries.map((entry) => judge(entry, owner)));
  return entries.filter((_, at) => verdicts[at] !== "dead");
}

function linkedEntry(reserved: Reserved, group: GroupView | undefined, key: string): Entry | undefined {
  const owner = group?.ownerOf(key);
  return group && owner && { name: `${group.term} ${key}`, file: linkOf(reserved, group.term, key), owner };
}

/** Whether another process may have claimed a file: a cheap check, since most files are not claimed. */
export function mayBeClaimed(reserved: Reserved, file: string): boolean {
  return existsSync(claimsFolder(reserved, file)) || hasForeignLease(reserved);
}

/** The claims by the lease among the slots of a path. */
export function leasedEntries(slots: readonly Slot[]): Entry[] {
  const taken = slots.filter(({ state }) => state === "+");
  return taken.map((slot) => {
    const { lease, at, owner, isKept } = slot;
    return { name: `${lease} ${at}`, file: lease, owner: { ...owner, ...(isKept && { isKept }) }, slot };
  });
}

/** The name that an entry gets when its owner releases the path. It contains how the append ended. */
export function endMarker(name: string, ended: EndReason): string {
  return `${ENDED}${ended}-${name}`;
}

/** An end marker: of which entry, and how its append ended. */
export interface EndMarker {
  readonly entry: string;
  readonly ended: EndReason;
}

/** The end markers among the names in a folder, in the order of their entries. */
export function endMarkers(names: readonly string[]): EndMarker[] {
  const markers = names.flatMap((name) => {
    const found = /^ended-([a-z]+)-(.+)/.exec(name);
    return found ? [{ ended: found[1] as EndReason, entry: found[2] as string }] : [];
  });
  return markers.sort((one, other) => Number.parseInt(one.entry, 10) - Number.parseInt(other.entry, 10));
}

/** The end markers among the names in a folder, if there is no watcher to read them; otherwise an empty list. */
export function unreadMarkers(names: readonly string[]): string[] {
  if (names.some((name) => name.startsWith(WATCH))) return [];
  return names.filter((name) => name.startsWith(ENDED));
}

/** Removes the entry of a claim that another process has taken over. The append continues there, so there is no end marker. */
export async function dropEntry(entry: string): Promise<void> {
  // The other process restores the entry if it sees a later sign of life of this one. So remove it again after a lease.
  const remove = (): Promise<void> => removeFile(entry).catch(() => {});
  await remove();
  setTimeout(remove, LEASE_MS).unref?.();
}

/**
 * Removes the end markers that no watcher is there to read, and the folder if it is empty then.
 *
 * @throws Errors of the operating system.
 */
export async function removeUnread(folder: string): Promise<void> {
  for (const marker of unreadMarkers(await namesIn(folder))) await removeFile(join(folder, marker));
  await removeEmpty(folder);
}

/** Removes a folder if it is empty. */
export async function removeEmpty(folder: string): Promise<void> {
  // Not empty, or already gone: both are fine.
  await rmdir(folder).catch(() => {});
}

async function isGone(file: string): Promise<boolean> {
  return await stat(file).then(() => false, isMissing);
}
