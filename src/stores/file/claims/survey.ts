/**
 * Who else is in a path's folder of claims.
 * @module
 */
import { StreamError } from "../../../protocol/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { type Entry, judge, readEntries, silentInMs, type Verdict } from "./entries.ts";
import type { Owner } from "./owner.ts";

/** What was found in a folder of claims. */
export interface Survey {
  /** All names in it. */
  readonly names: readonly string[];
  /** The entries of others. */
  readonly others: readonly (Entry & { readonly verdict: Verdict })[];
  /** Whether one of them has a living owner. */
  readonly isTaken: boolean;
}

/** What to look at. */
export interface SurveyTerms {
  readonly folder: string;
  /** The name of one's own entry, which is not judged. */
  readonly own: string | undefined;
  readonly self: Owner;
  /** Milliseconds without a sign of life that make an owner silent. */
  readonly leaseMs: number;
}

/** Looks into a folder of claims. */
export async function survey({ folder, own, self, leaseMs }: SurveyTerms): Promise<Survey> {
  const names = await namesIn(folder);
  const entries = await readEntries(
    folder,
    names.filter((name) => name !== own),
  );
  const others = await Promise.all(
    entries.map(async (entry) => ({ ...entry, verdict: await judge(entry, self, leaseMs) })),
  );
  return { names, others, isTaken: others.some(({ verdict }) => verdict === "alive") };
}

/** Why a path can't be had, and when it can be where that is known. */
export function takenElsewhere(path: string, found: Survey | undefined, self: Owner): StreamError {
  const freeInMs = found && freeIn(found, self);
  if (freeInMs === undefined) {
    return new StreamError("conflict", `Another server process is appending to "/${path}" already.`, { path });
  }
  const seconds = Math.max(1, Math.ceil(freeInMs / 1000));
  const message = `Another server process has "/${path}", and may have gone. If it gives no sign of life, the path is free in ${seconds} s.`;
  return new StreamError("conflict", message, { path, headers: { "Retry-After": String(seconds) } });
}

/** Milliseconds until none of those who have a path counts as living; nothing while one of them is busy. */
function freeIn({ others, isTaken }: Survey, self: Owner): number | undefined {
  const living = others.filter(({ verdict }) => verdict === "alive");
  const times = living.map(({ owner }) => silentInMs(owner, self) ?? Number.POSITIVE_INFINITY);
  const longestMs = Math.max(0, ...times);
  return isTaken && Number.isFinite(longestMs) ? longestMs : undefined;
}
