/**
 * What lies in a path's folder of claims, and what is to be thought of it.
 *
 * An *entry* is a process's claim; its name begins with a digit. `away-` and an entry's name: an entry that was taken
 * away from a silent owner. `ended-`, how an append ended, and an entry's name: the last word of an owner to those who
 * watch. `watch-`: somebody who watches, and wants to hear that word.
 * @module
 */
import { randomUUID } from "node:crypto";
import { rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { isMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { isDead, isVisible } from "../processes/process-identity.ts";
import { readWhole } from "../reserved/atomic-write.ts";
import { keyOf, type Reserved } from "../reserved/layout.ts";
import { LEASE_MS, type Owner, type OwnerRecord } from "./owner.ts";

/** What an entry says, and where it is. */
export interface Entry {
  /** The name of its file in the folder. */
  readonly name: string;
  /** Its file. */
  readonly file: string;
  readonly owner: OwnerRecord;
}

/** What is to be thought of an entry's owner. */
export type Verdict = "alive" | "dead" | "silent";

/** The names of entries that were taken away begin so. */
export const AWAY = "away-";

/** The names of those who watch begin so. */
export const WATCH = "watch-";

const ENDED = "ended-";

/** Milliseconds without a sign of life that make an owner doubtful: it gives one every second. */
const DOUBT_MS = 3_000;

/** The files of the entries that this process has made and not given up. */
export const ownEntries: Set<string> = new Set<string>();

/** The folder of the claims of a file. */
export function claimsFolder(reserved: Reserved, file: string): string {
  return join(reserved.claims, keyOf(file));
}

/** The entries among the names in a folder of claims. */
export async function readEntries(folder: string, names: readonly string[]): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const name of names.filter((each) => /^[0-9]/.test(each))) {
    const file = join(folder, name);
    const owner = await readWhole(file);
    if (isOwnerRecord(owner)) entries.push({ name, file, owner });
  }
  return entries;
}

/**
 * The name of the next entry. Its number is greater than those of all names that are in the folder: that is the order in
 * which they came, whatever the clocks say.
 */
export function nextName(names: readonly string[]): string {
  const numbers = names.map((name) => Number(/^(?:away-|ended-[a-z]+-)?(\d+)-/.exec(name)?.[1] ?? 0));
  return `${1 + Math.max(0, ...numbers)}-${randomUUID()}`;
}

/** What an entry's owner is to the world. */
export async function judge({ file, owner }: Entry, self: Owner, leaseMs: number = LEASE_MS): Promise<Verdict> {
  // One of ours that we have given up can only have been put back by somebody who was too late.
  if (owner.id === self.record.id) return ownEntries.has(file) ? "alive" : "dead";
  const verdict = await judgeOwner(owner, self, leaseMs);
  // An owner removes its entries before its sign of life.
  const hasEnded = self.signs.known(self.signOf(owner))?.isMissing && (await isGone(file));
  return hasEnded ? "dead" : verdict;
}

/**
 * What another owner is to the world. Where `/proc` does not show that it has ended, it is alive until this process has
 * seen no sign of life for a whole lease, by its own clock. An owner that was never looked at before counts as alive.
 */
export async function judgeOwner(owner: OwnerRecord, self: Owner, leaseMs: number = LEASE_MS): Promise<Verdict> {
  if (isDead(owner, self.record)) return "dead";
  const { quietMs } = await self.signs.look(self.signOf(owner));
  return quietMs >= leaseMs ? "silent" : "alive";
}

/**
 * Milliseconds until an owner counts as silent, if it gives no sign of life meanwhile. Nothing for one that is busy: it
 * was heard of lately, or `/proc` shows that it runs.
 */
export function silentInMs(owner: OwnerRecord, self: Owner): number | undefined {
  const seen = self.signs.known(self.signOf(owner));
  if (!seen) return undefined;
  const isKnown = seen.hasChanged || isVisible(owner, self.record);
  return isKnown && seen.quietMs < DOUBT_MS ? undefined : Math.max(0, LEASE_MS - seen.quietMs);
}

/** Begins to look at the signs of life of all other owners, so that it is known in time which of them are silent. */
export async function lookAround(reserved: Reserved, self: Owner): Promise<void> {
  const others = (await namesIn(reserved.servers)).filter((name) => name !== self.record.id);
  await Promise.all(others.map((id) => self.signs.look(join(reserved.servers, id))));
}

/** The entries of those who have a file, had it until they fell silent, or are about to have it. */
export async function claimantsOf(reserved: Reserved, owner: Owner, file: string): Promise<Entry[]> {
  const folder = claimsFolder(reserved, file);
  const entries = await readEntries(folder, await namesIn(folder));
  const verdicts = await Promise.all(entries.map((entry) => judge(entry, owner)));
  return entries.filter((_, at) => verdicts[at] !== "dead");
}

/** The name that an entry gets when its owner gives the path back: how the append ended stands in it. */
export function endMarker(name: string, ended: EndReason): string {
  return `${ENDED}${ended}-${name}`;
}

/** A last word: of which entry, and how its append ended. */
export interface EndMarker {
  readonly entry: string;
  readonly ended: EndReason;
}

/** The last words among the names in a folder, in the order of their entries. */
export function endMarkers(names: readonly string[]): EndMarker[] {
  const words = names.flatMap((name) => {
    const [, ended, entry] = /^ended-([a-z]+)-(.*)$/.exec(name) ?? [];
    return ended === undefined || entry === undefined ? [] : [{ ended: ended as EndReason, entry }];
  });
  return words.sort((one, other) => Number.parseInt(one.entry, 10) - Number.parseInt(other.entry, 10));
}

/** Of the names in a folder the last words, if nobody is there who would read them. */
export function unreadMarkers(names: readonly string[]): string[] {
  if (names.some((name) => name.startsWith(WATCH))) return [];
  return names.filter((name) => name.startsWith(ENDED));
}

/** Whether something that was read is an owner's record. */
export function isOwnerRecord(value: unknown): value is OwnerRecord {
  if (typeof value !== "object" || value === null) return false;
  const { id, pid, started, scope } = value as Partial<OwnerRecord>;
  return typeof id === "string" && typeof pid === "number" && typeof started === "string" && typeof scope === "string";
}

/** Removes a folder if nothing is in it. */
export async function removeEmpty(folder: string): Promise<void> {
  // Not empty, or gone already: both are fine.
  await rmdir(folder).catch(() => {});
}

async function isGone(file: string): Promise<boolean> {
  return await stat(file).then(() => false, isMissing);
}
