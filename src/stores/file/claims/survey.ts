/**
 * Finds out which other processes are in a path's claims folder.
 * @module
 */
import { StreamError } from "../../../protocol/errors.ts";
import { namesIn } from "../folders/folder.ts";
import type { Reserved } from "../reserved/layout.ts";
import { claimsFolder, type Entry, judge, leasedEntries, readEntries, silentInMs, type Verdict } from "./entries.ts";
import { type Slot, slotsOf } from "./lease-files.ts";
import type { Owner, OwnerRecord } from "./owner.ts";

/** What a claims folder contains. */
export interface Survey {
  /** All names in the folder. */
  readonly names: readonly string[];
  /** The entries except our own, each with a verdict on its owner. */
  readonly others: readonly (Entry & { readonly verdict: Verdict })[];
  /** Slots of this path that were moved away, and whose owners must still be fenced off. */
  readonly moved: readonly Slot[];
  /** Whether one of these entries has a living owner. */
  readonly isTaken: boolean;
}

/** What to survey. */
export interface SurveyTerms {
  readonly reserved: Reserved;
  /** The real location of the file. */
  readonly file: string;
  /** The name of our own entry, which is not judged. */
  readonly own: string | undefined;
  readonly self: Owner;
  /** Milliseconds without a sign of life after which an owner is silent. */
  readonly leaseMs: number;
}

/**
 * Reads a claims folder and judges its entries.
 *
 * @throws Errors of the operating system.
 */
export async function survey({ reserved, file, own, self, leaseMs }: SurveyTerms): Promise<Survey> {
  const folder = claimsFolder(reserved, file);
  // Slots first: their owner removes them once it has entered them.
  const slots = slotsOf(reserved, file, self.record);
  const names = await namesIn(folder);
  const entries = await readEntries(
    folder,
    names.filter((name) => name !== own),
  );
  const others = await Promise.all(
    [...leasedEntries(slots), ...entries].map(async (entry) => ({
      ...entry,
      verdict: await judge(entry, self, leaseMs),
    })),
  );
  const moved = slots.filter(({ state }) => state === "!");
  return { names, others, moved, isTaken: others.some(({ verdict }) => verdict === "alive") };
}

/** The error for a path that another process has. It says when the path will be free, where that is known. */
export function takenElsewhere(path: string, found: Survey | undefined, self: Owner): StreamError {
  const freeInMs = found && freeIn(found, self);
  if (freeInMs === undefined) {
    return new StreamError("conflict", `"/${path}" already has an appender on another server process.`, { path });
  }
  const seconds = Math.max(1, Math.ceil(freeInMs / 1000));
  const message = `Another server process has "/${path}", but may be gone. If it shows no sign of life, the path is free in ${seconds} s.`;
  return new StreamError("conflict", message, { path, headers: { "Retry-After": String(seconds) } });
}

/** As {@link takenElsewhere}, for a path that a living process has. */
export function takenBy(path: string, owner: OwnerRecord, self: Owner): StreamError {
  const other = { name: "", file: "", owner, verdict: "alive" } as const;
  return takenElsewhere(path, { names: [], others: [other], moved: [], isTaken: true }, self);
}

/**
 * Milliseconds until every living owner of a path counts as silent; undefined while one of them is busy, or without
 * owners.
 */
function freeIn({ others, isTaken }: Survey, self: Owner): number | undefined {
  const living = others.filter(({ verdict }) => verdict === "alive");
  const times = living.map(({ owner }) => silentInMs(owner, self) ?? Number.POSITIVE_INFINITY);
  const longestMs = Math.max(0, ...times);
  return isTaken && Number.isFinite(longestMs) ? longestMs : undefined;
}

/** The error of a claim that another process has taken over. */
export function fenced(path: string): StreamError {
  return new StreamError("fenced", `Another server process has taken over "/${path}".`, { path });
}
