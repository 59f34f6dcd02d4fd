/**
 * News of a file that another process appends to.
 * @module
 */
import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { EndReason, Growth } from "../../core/store.ts";
import { holderOf } from "./claim.ts";
import { isMissing } from "./errors.ts";
import type { Owner } from "./owner.ts";
import { keyOf, type Reserved, readWhole, removeFile, writeWhole } from "./reserved.ts";

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
}

/** The size of a file whenever it has changed, until the append of the other process has ended; the first at once. */
export async function* watchFile(watched: Watched): AsyncGenerator<Growth, void, void> {
  const { reserved, owner, file } = watched;
  const folder = join(reserved.claims, keyOf(file));
  const mark = join(folder, `watch-${owner.record.id}`);
  // Its owner leaves word of how the append ended only where somebody asks for it.
  await mkdir(folder, { recursive: true });
  await writeWhole(reserved, mark, owner.record, false);
  try {
    let size = -1;
    for (let look = 0; ; look++) {
      const holder = look % CLAIM_EVERY === 0 ? await holderOf(reserved, owner, file) : undefined;
      const over = look % CLAIM_EVERY === 0 && holder === undefined;
      // The size after the look at the claim: what was stored before the end is in it.
      const now = await sizeOf(file);
      if (over) {
        yield { size: now ?? Math.max(size, 0), ended: await endOf(watched, folder, now) };
        return;
      }
      if (now !== undefined && now !== size) yield { size: now };
      size = now ?? size;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  } finally {
    await removeFile(mark);
  }
}

async function endOf({ resumable }: Watched, folder: string, size: number | undefined): Promise<EndReason> {
  if (size === undefined) return "deleted";
  const said = (await readWhole(join(folder, "ended"))) as { ended?: EndReason } | undefined;
  return said?.ended ?? ((await resumable()) ? "restarting" : "lost");
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
