/**
 * Takes a path over from owners that are dead or silent.
 *
 * The claim of a dead process is simply removed. A silent process may wake up at any moment, even in the middle of a
 * write. So its claim is moved away first, and then the file is replaced by a copy of itself (see `replace.ts`).
 * @module
 */
import type { Stats } from "node:fs";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { isMissing, unlessMissing } from "../folders/errors.ts";
import { namesIn } from "../folders/folder.ts";
import { removeFile } from "../reserved/atomic-write.ts";
import { fenceOff } from "../reserved/fenced-file.ts";
import type { Reserved } from "../reserved/layout.ts";
import { AWAY, claimsFolder, type Entry, judge } from "./entries.ts";
import { type Slot, setSlot, slotsOf } from "./lease-files.ts";
import type { Owner } from "./owner.ts";
import { replaceByCopy } from "./replace.ts";
import { type Survey, takenElsewhere } from "./survey.ts";

/** The claim that takes over. */
export interface Successor {
  readonly reserved: Reserved;
  readonly owner: Owner;
  /** The real location of the file. */
  readonly file: string;
  /** The resource path, for messages. */
  readonly path: string;
  /** Milliseconds without a sign of life after which an owner is silent. */
  readonly leaseMs: number;
  /** Called before the copy replaces the file, with the stats of both. */
  readonly onCopy: ((former: Stats, copy: Stats) => void) | undefined;
  /** @throws {StreamError} `conflict` if another process has moved the successor's own entry away. */
  assertOurs(): void;
  /** Checks once more which claims others have on the path. */
  survey(): Promise<Survey>;
}

/**
 * Takes a path over. Also finishes a takeover that another process has begun.
 *
 * @returns Whether one of the owners was silent.
 * @throws {StreamError} `conflict` if one of them is alive after all; errors of the operating system.
 */
export async function takeOver({ others }: Survey, by: Successor): Promise<boolean> {
  const slots = others.flatMap(({ slot, verdict }) => (slot ? [{ slot, verdict }] : []));
  let wasSilent = false;
  for (const { slot, verdict } of slots) {
    if (verdict !== "silent") setSlot(slot, "+", "-");
    else wasSilent = (await moveSlotAway(slot, by)) || wasSilent;
  }
  // An owner that has entered a claim by path before its slot was moved away checks the slot only before that.
  const entries = slots.length > 0 ? await entriesOf(await by.survey(), by) : others;
  for (const other of entries) {
    if (other.verdict === "silent") wasSilent = (await moveAway(other, by)) || wasSilent;
    else if (!other.slot) await removeFile(other.file);
  }
  await fence(by);
  return wasSilent;
}

/** @throws {StreamError} `conflict` if an owner has come back to life. */
async function entriesOf(found: Survey, { path, owner }: Successor): Promise<Survey["others"]> {
  if (found.isTaken) throw takenElsewhere(path, found, owner);
  return found.others.filter(({ slot }) => !slot);
}

/** Moves a silent owner's claim by the lease away. Returns false if the owner has released it, or entered it by path. */
async function moveSlotAway(slot: Slot, { owner, path, leaseMs, assertOurs }: Successor): Promise<boolean> {
  assertOurs();
  if (!setSlot(slot, "+", "!")) return false;
  const moved: Entry = { name: "", file: slot.lease, owner: slot.owner, slot: { ...slot, state: "!" } };
  if ((await judge(moved, owner, leaseMs)) !== "alive") return true;
  setSlot(slot, "!", "+");
  throw takenElsewhere(path, undefined, owner);
}

/** Moves a silent owner's entry away. When the owner wakes up, it finds that it has lost the path. */
async function moveAway(
  other: Entry,
  { reserved, owner, file, path, leaseMs, assertOurs }: Successor,
): Promise<boolean> {
  assertOurs();
  const away = join(claimsFolder(reserved, file), `${AWAY}${other.name}`);
  try {
    await rename(other.file, away);
  } catch (error) {
    // The owner woke up and released the path.
    if (!isMissing(error)) throw error;
    return false;
  }
  if ((await judge({ ...other, file: away }, owner, leaseMs)) === "alive") {
    // The owner woke up between the two checks.
    await rename(away, other.file);
    throw takenElsewhere(path, undefined, owner);
  }
  return true;
}

/** Fences off owners whose claims were moved away, by this process or by one that died during its takeover. */
async function fence({ reserved, owner, file, path, onCopy, assertOurs }: Successor): Promise<void> {
  const folder = claimsFolder(reserved, file);
  const slots = slotsOf(reserved, file, owner.record).filter(({ state }) => state === "!");
  const away = (await namesIn(folder)).filter((name) => name.startsWith(AWAY));
  if (away.length + slots.length === 0) return;
  // The owner may have been about to change the record of its session.
  fenceOff(reserved, path);
  await replaceByCopy(reserved, file, (former, copy) => {
    assertOurs();
    onCopy?.(former, copy);
  }).catch(unlessMissing);
  for (const slot of slots) setSlot(slot, "!", "-");
  for (const name of away) await removeFile(join(folder, name));
}
