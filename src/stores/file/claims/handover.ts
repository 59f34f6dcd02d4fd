/**
 * Asking another process for a path: its appender has come back to us, and the session that it goes on with is there.
 *
 * Whoever asks puts a file into the folder of what is wanted. Whoever has the path sees it at its next sign of life, and
 * gives the path up. Until the file is gone again, nobody else takes the path.
 * @module
 */
import { join } from "node:path";
import { isDead } from "../processes/process-identity.ts";
import { readWhole, removeFile, writeWhole } from "../reserved/atomic-write.ts";
import { keyOf, type Reserved } from "../reserved/layout.ts";
import { isOwnerRecord } from "./entries.ts";
import type { Owner } from "./owner.ts";

/** Milliseconds for which a wish is respected, counted from when this process has seen it first. */
const FORGOTTEN_MS = 10_000;

/** Asks for a file; the result takes it back. */
export async function requestHandover(reserved: Reserved, owner: Owner, file: string): Promise<() => Promise<void>> {
  const wish = wishFor(reserved, file);
  await writeWhole(reserved, wish, owner.record, false);
  return () => removeFile(wish);
}

/** Whether another process waits for a file. */
export async function isHandoverRequested(reserved: Reserved, owner: Owner, file: string): Promise<boolean> {
  const wish = wishFor(reserved, file);
  const asker = await readWhole(wish);
  if (!isOwnerRecord(asker) || asker.id === owner.record.id || isDead(asker, owner.record)) return false;
  const { quietMs, isMissing } = await owner.signs.look(wish);
  return !isMissing && quietMs < FORGOTTEN_MS;
}

function wishFor(reserved: Reserved, file: string): string {
  return join(reserved.handovers, keyOf(file));
}
