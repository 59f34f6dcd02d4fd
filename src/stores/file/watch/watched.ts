/**
 * The parts of a watch.
 * @module
 */
import { stat } from "node:fs/promises";
import type { EndedReason, EndReason } from "../../../protocol/end-reason.ts";
import type { Owner } from "../claims/owner.ts";
import { isMissing } from "../folders/errors.ts";
import type { Reserved } from "../reserved/layout.ts";
import type { Listen } from "./inbox.ts";

/** What to watch. */
export interface Watched {
  readonly reserved: Reserved;
  readonly owner: Owner;
  /** The real location of the file. */
  readonly file: string;
  /** Whether an open session may continue the append after its owner has died. */
  readonly resumable: () => Promise<boolean>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Listens for reports of the process that appends. Default: there are none. */
  readonly listen?: Listen;
  /** The size of the path, without bytes that a takeover could cut off. Default: that of the file. */
  readonly sizeNow?: () => Promise<number | undefined>;
  /** What else is known of the path now. Default: nothing. */
  readonly look?: () => Promise<Seen | undefined>;
}

/** What is known of a path. */
export interface Seen {
  readonly generation: string;
  /** How the last append has ended; undefined if one is under way. */
  readonly ended?: EndedReason;
}

/**
 * The size of a watched path; undefined if it does not exist.
 *
 * @throws Errors of the operating system.
 */
export async function watchedSize({ file, sizeNow }: Watched): Promise<number | undefined> {
  return sizeNow ? sizeNow() : sizeOf(file);
}

/**
 * The size of a file; undefined if it does not exist.
 *
 * @throws Errors of the operating system.
 */
export async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * The end of an append that this process can no longer watch, from the record of the path.
 *
 * @param otherwise Used where the record does not say how the append ended.
 */
export async function recordedEnd({ look }: Watched, otherwise: EndReason): Promise<EndReason> {
  const ended = (await look?.())?.ended;
  return ended === undefined || ended === "unknown" || ended === "lost" ? otherwise : ended;
}
