/**
 * Determines whether a root is on a file system of this machine.
 * @module
 */
import { statfs } from "node:fs/promises";
import process from "node:process";

/**
 * The numbers of file systems on which all processes see at once what one of them has written: those of a disk of the
 * same machine. On a network file system, a process may see an old lease for seconds.
 */
const LOCAL: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0xf2f52010, // F2FS
  0x2fc12fc1, // ZFS
  0xca451a4e, // bcachefs
  0x794c7630, // overlay
  0x01021994, // tmpfs
]);

/** The part of Deno's permissions that is used here. */
interface DenoPermissions {
  readonly permissions: { query(descriptor: { name: "sys"; kind: string }): Promise<{ state: string }> };
}

/** Whether the file system of a root is known to be local. */
export async function isLocal(root: string): Promise<boolean> {
  const { Deno } = globalThis as { Deno?: DenoPermissions };
  // Without the permission, the call would ask the user for it.
  if (Deno && (await Deno.permissions.query({ name: "sys", kind: "statfs" })).state !== "granted") return false;
  try {
    return process.platform === "linux" && LOCAL.has((await statfs(root)).type >>> 0);
  } catch {
    return false;
  }
}
