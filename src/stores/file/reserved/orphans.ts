/**
 * Determines which files left behind by other processes are no longer needed.
 * @module
 */
import { basename } from "node:path";
import type { ChangeObserver } from "../processes/change-observer.ts";
import { isDead, type ProcessIdentity } from "../processes/process-identity.ts";
import { keyOf } from "./layout.ts";

/** Milliseconds without a change after which a file counts as orphaned if its process cannot be checked. */
const FORGOTTEN_MS = 60 * 60 * 1000;

/** A process that examines what other processes have left behind. */
export interface Observer {
  readonly record: ProcessIdentity;
  readonly leftovers: ChangeObserver;
}

/**
 * Whether a file is no longer needed. If its name, made by `nameIn`, identifies its process, that process must have
 * ended. Any other file must have been unchanged for an hour.
 *
 * @throws Errors of the operating system.
 */
export async function isOrphaned(file: string, { record, leftovers }: Observer): Promise<boolean> {
  const maker = makerOf(basename(file), record);
  return maker ? isDead(maker, record) : isForgotten(file, leftovers);
}

/** The process that made a file; undefined if the name does not identify one, or if its number is not valid here. */
function makerOf(name: string, { scope }: ProcessIdentity): ProcessIdentity | undefined {
  const [pid, started = "", key] = name.split("_");
  return key === keyOf(scope) ? { pid: Number(pid), started, scope } : undefined;
}

/**
 * Whether this process has seen a file unchanged for so long that its owner, which cannot be checked, counts as gone.
 *
 * @throws Errors of the operating system.
 */
export async function isForgotten(file: string, leftovers: ChangeObserver): Promise<boolean> {
  const { quietMs, isMissing } = await leftovers.look(file);
  if (isMissing || quietMs >= FORGOTTEN_MS) leftovers.forget(file);
  return !isMissing && quietMs >= FORGOTTEN_MS;
}
