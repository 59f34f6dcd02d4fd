/**
 * News of a file that another process appends to.
 * @module
 */
import { randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { EndReason, Growth } from "../../core/store.ts";
import {
  claimsFolder,
  type Entry,
  holdersOf,
  lastWords,
  namesIn,
  removeEmpty,
  unheardWords,
  WATCH,
} from "./entries.ts";
import { isMissing } from "./errors.ts";
import type { Owner } from "./owner.ts";
import { type Reserved, removeFile, writeWhole } from "./reserved.ts";

/** Milliseconds between two looks at the file. */
const LOOK_MS = 100;

/** Every how many looks the claim is looked at, too. */
const CLAIM_EVERY = 5;

/** What to watch. */
export interface Watched {
  readonly reserved: Reserved;
  readonly owner: Owner;
  /** The real file. */
  readonly file: string;
  /** Whether a session is open that may go on with it after its owner has died. */
  readonly resumable: () => Promise<boolean>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/**
 * The size of a file whenever it has changed, until the append of the other process has ended; the first at once.
 * Nothing when nobody appends.
 */
export async function* watchFile(watched: Watched): AsyncGenerator<Growth, void, void> {
  const { reserved, owner, file, signal } = watched;
  const folder = claimsFolder(reserved, file);
  const mark = join(folder, `${WATCH}${randomUUID()}`);
  // Its owner leaves word of how the append ended only where somebody asks for it.
  await writeWhole(reserved, mark, owner.record, false);
  try {
    let holder = (await holdersOf(reserved, owner, file))[0];
    let size: number | undefined;
    for (let look = 1; holder && !signal.aborted; look++) {
      const next: Next = look % CLAIM_EVERY === 0 ? await nextAfter(holder, watched) : { holder };
      // The size after the look at the claim: what was stored before the end is in it.
      const now = await sizeOf(file);
      if (next.ended) {
        yield { size: now ?? size ?? 0, ended: now === undefined ? "deleted" : next.ended };
        return;
      }
      if (now !== undefined && now !== size) yield { size: now };
      size = now ?? size;
      holder = next.holder;
      await pause(LOOK_MS, signal);
    }
  } finally {
    await removeFile(mark);
    for (const word of unheardWords(await namesIn(folder))) await removeFile(join(folder, word));
    await removeEmpty(folder);
  }
}

/** Who has the path now, or how the append has ended. */
interface Next {
  readonly holder?: Entry;
  readonly ended?: EndReason;
}

async function nextAfter(holder: Entry, { reserved, owner, file, resumable }: Watched): Promise<Next> {
  const holders = await holdersOf(reserved, owner, file);
  if (holders.some(({ name }) => name === holder.name)) return { holder };
  // Whoever takes a path from one that died, slept or shut down goes on with the same append, and may have ended it.
  const words = lastWords(await namesIn(claimsFolder(reserved, file)));
  const since = words.filter(({ entry }) => Number.parseInt(entry, 10) >= Number.parseInt(holder.name, 10));
  const end = since.find(({ ended }) => ended !== "restarting");
  const [successor] = holders;
  if (end) return { ended: end.ended };
  if (successor) return { holder: successor };
  return { ended: since.length > 0 || (await resumable()) ? "restarting" : "lost" };
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
