/**
 * Removes a resource while its path is claimed, so that no process begins to append to it meanwhile.
 * @module
 */
import { lstat, unlink } from "node:fs/promises";
import { relative } from "node:path";
import { Claim } from "./claims/claim.ts";
import type { Owner } from "./claims/owner.ts";
import type { RootLease } from "./claims/root-lease.ts";
import { inFolderOf } from "./folders/open-folder.ts";
import type { Recovery } from "./journal/recovery.ts";
import type { RecordFiles } from "./records/record-files.ts";
import { flush } from "./reserved/fsync.ts";
import type { Reserved } from "./reserved/layout.ts";
import type { LogFiles } from "./streams/log-files.ts";

/** The resource to remove, and what its store consists of. */
export interface RemovalParts {
  readonly root: string;
  readonly reserved: Reserved;
  readonly owner: Owner;
  readonly lease: RootLease;
  readonly records: RecordFiles;
  readonly logs: LogFiles;
  readonly recovery: Recovery;
  /** Whether the removal must survive a power cut. */
  readonly durable: boolean;
  /** The real location of the file. */
  readonly file: string;
  readonly path: string;
  /** Called while the path is claimed; an error ends the removal. */
  readonly check: (() => Promise<void>) | undefined;
}

/**
 * Removes a file and its record. Resolves to whether there was a file.
 *
 * @throws {StreamError} `conflict` while the path has an appender; errors of `check` and of the
 * operating system.
 */
export async function removeResource(parts: RemovalParts): Promise<boolean> {
  const { root, reserved, owner, lease, records, logs, recovery, durable, file, path, check } = parts;
  // Claiming a path that does not exist would leave folders behind.
  if (!(await isFile(root, file))) return false;
  const claim = await Claim.take({ reserved, owner, lease, file, path, check, extraLeaseMs: 0 });
  try {
    // A dead owner's journal may hold bytes for this file. They must not be written after it is removed.
    if (claim.isInherited) await recovery.again();
    return await inFolderOf(root, file, async (folder, name) => {
      // Check first: Deno can unlink an empty folder.
      if (!(await lstat(folder.at(name))).isFile()) return false;
      await folder.verify();
      await unlink(folder.at(name));
      records.removeNow(relative(root, file));
      if (durable) await flush(folder.path);
      await logs.remove(relative(root, file));
      return true;
    });
  } finally {
    await claim.release();
  }
}

function isFile(root: string, file: string): Promise<boolean> {
  return inFolderOf(root, file, async (folder, name) => (await lstat(folder.at(name))).isFile());
}
