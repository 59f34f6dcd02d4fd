/**
 * What lies in a path's folder of claims, and what is to be thought of it.
 *
 * An *entry* is a process's claim; its name begins with a digit. `away-` and an entry's name: an entry that was taken
 * away from a silent owner. `ended-`, how an append ended, and an entry's name: the last word of an owner to those who
 * watch. `watch-`: somebody who watches, and wants to hear that word.
 * @module
 */
import { rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { EndReason } from "../../core/store.ts";
import { isMissing } from "./errors.ts";
import { namesIn } from "./folder.ts";
import { LEASE_MS, type Owner, type OwnerRecord } from "./owner.ts";
import { isDead } from "./process-identity.ts";
import { keyOf, type Reserved, readWhole } from "./reserved.ts";

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

/** The files of the entries that this process has made and not given up. */
export const ownEntries: Set<string> = new Set<string>();

/** The folder of the claims of a file. */
export function claimsFolder(reserved: Reserved, file: string): string {
  return join(reserved.claims, keyOf(file));
}

/** The entries in a folder of claims. */
export async function entriesIn(folder: string): Promise<Entry[]> {
  return readEntries(folder, (name) => /^[0-9]/.test(name));
}

/** The entries that were taken away, and not yet made harmless. */
export async function awayIn(folder: string): Promise<Entry[]> {
  return readEntries(folder, (name) => name.startsWith(AWAY));
}

/** What an entry's owner is to the world. */
export async function judge(reserved: Reserved, { file, owner }: Entry, self: Owner): Promise<Verdict> {
  // One of ours that we have given up can only have been put back by somebody who was too late.
  if (owner.id === self.record.id) return ownEntries.has(file) ? "alive" : "dead";
  return judgeOwner(reserved, owner, self);
}

/** What another owner is to the world. */
export async function judgeOwner(reserved: Reserved, owner: OwnerRecord, self: Owner): Promise<Verdict> {
  if (isDead(owner, self.record)) return "dead";
  const givenMs = await signOf(reserved, owner);
  return givenMs === undefined || Date.now() - givenMs > LEASE_MS ? "silent" : "alive";
}

/** When an owner last gave a sign of life, in milliseconds since 1970. */
export async function signOf(reserved: Reserved, owner: OwnerRecord): Promise<number | undefined> {
  try {
    return (await stat(join(reserved.servers, owner.id))).mtimeMs;
  } catch (error) {
    if (!isMissing(error)) throw error;
    return undefined;
  }
}

/** The entries of those who have a file, had it until they fell silent, or are about to have it. */
export async function holdersOf(reserved: Reserved, owner: Owner, file: string): Promise<Entry[]> {
  const entries = await entriesIn(claimsFolder(reserved, file));
  const verdicts = await Promise.all(entries.map((entry) => judge(reserved, entry, owner)));
  return entries.filter((_, at) => verdicts[at] !== "dead");
}

/** The name that an entry gets when its owner gives the path back: how the append ended stands in it. */
export function lastWord(name: string, ended: EndReason): string {
  return `${ENDED}${ended}-${name}`;
}

/** A last word: of which entry, and how its append ended. */
export interface LastWord {
  readonly entry: string;
  readonly ended: EndReason;
}

/** The last words among the names in a folder, oldest entry first. */
export function lastWords(names: readonly string[]): LastWord[] {
  const words = names.flatMap((name) => {
    const [, ended, entry] = /^ended-([a-z]+)-(.*)$/.exec(name) ?? [];
    return ended === undefined || entry === undefined ? [] : [{ ended: ended as EndReason, entry }];
  });
  return words.sort((one, other) => Number.parseInt(one.entry, 10) - Number.parseInt(other.entry, 10));
}

/** Of the names in a folder the last words, if nobody is there who would read them. */
export function unheardWords(names: readonly string[]): string[] {
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

async function readEntries(folder: string, wanted: (name: string) => boolean): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const name of (await namesIn(folder)).filter(wanted)) {
    const file = join(folder, name);
    const owner = await readWhole(file);
    if (isOwnerRecord(owner)) entries.push({ name, file, owner });
  }
  return entries;
}
