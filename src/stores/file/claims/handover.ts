/**
 * Handover of a path between processes: an appender has reconnected to this process, and another one still has its
 * path.
 *
 * The requester puts a file into the handovers folder. The owner of the path sees it at its next sign of life, and
 * releases the path. Until the request is withdrawn or expires, no other process claims the path.
 * @module
 */
import { join } from "node:path";
import { isDead } from "../processes/process-identity.ts";
import { readJsonFile, removeFile, writeJsonAtomic } from "../reserved/atomic-write.ts";
import { fileKey, type Reserved } from "../reserved/layout.ts";
import { groupLease } from "./group-lease.ts";
import { breakForeignLease } from "./lease-files.ts";
import { isOwnerRecord, type Owner } from "./owner.ts";

/** Milliseconds for which a request is respected, counted from when this process first sees it. */
const FORGOTTEN_MS = 10_000;

/**
 * Requests the handover of a file.
 *
 * @returns A function that withdraws the request.
 * @throws Errors of the operating system.
 */
export async function requestHandover(reserved: Reserved, owner: Owner, file: string): Promise<() => Promise<void>> {
  const request = requestFor(reserved, file);
  await writeJsonAtomic(reserved, request, owner.record, false);
  // A process with the lease checks for requests only for paths that it has claimed by path; a process of a group
  // always checks.
  if (!groupLease(reserved)) breakForeignLease(reserved);
  return () => removeFile(request);
}

/**
 * Whether another process requests the handover of a file.
 *
 * @throws Errors of the operating system.
 */
export async function isHandoverRequested(reserved: Reserved, owner: Owner, file: string): Promise<boolean> {
  const request = requestFor(reserved, file);
  const requester = await readJsonFile(request);
  if (!isOwnerRecord(requester) || requester.id === owner.record.id || isDead(requester, owner.record)) return false;
  const { quietMs, isMissing } = await owner.signs.look(request);
  return !isMissing && quietMs < FORGOTTEN_MS;
}

function requestFor(reserved: Reserved, file: string): string {
  return join(reserved.handovers, fileKey(reserved, file));
}
