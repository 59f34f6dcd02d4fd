/**
 * Files that processes have left behind: which of them are of no use any more.
 * @module
 */
import { basename } from "node:path";
import { isDead, type ProcessIdentity } from "../processes/process-identity.ts";
import type { Sightings } from "../processes/sightings.ts";
import { keyOf } from "./layout.ts";

/** Milliseconds without a change after which a file is nobody's whose process can't be asked. */
const FORGOTTEN_MS = 60 * 60 * 1000;

/** Who looks at what others have left. */
export interface Observer {
  readonly record: ProcessIdentity;
  readonly leftovers: Sightings;
}

/** Whether a file that has its name from {@link nameIn}, or from somebody's hand, is of no use to anybody any more. */
export async function isOrphaned(file: string, { record, leftovers }: Observer): Promise<boolean> {
  const maker = makerOf(basename(file), record);
  return maker ? isDead(maker, record) : isForgotten(file, leftovers);
}

/** The process that made a file; nothing when its name does not tell, or tells of another machine. */
function makerOf(name: string, { scope }: ProcessIdentity): ProcessIdentity | undefined {
  const [pid, started = "", key] = name.split("_");
  return key === keyOf(scope) ? { pid: Number(pid), started, scope } : undefined;
}

/** Whether this process has seen a file unchanged for so long that its owner, which can't be asked, is taken for gone. */
export async function isForgotten(file: string, leftovers: Sightings): Promise<boolean> {
  const { quietMs, isMissing } = await leftovers.look(file);
  if (isMissing || quietMs >= FORGOTTEN_MS) leftovers.forget(file);
  return !isMissing && quietMs >= FORGOTTEN_MS;
}
