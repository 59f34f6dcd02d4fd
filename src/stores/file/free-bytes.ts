/**
 * The free space of a disk.
 * @module
 */
import { statfs } from "node:fs/promises";

/** The part of Deno's permissions that is used here. */
interface DenoPermissions {
  readonly permissions: { query(descriptor: { name: "sys"; kind: string }): Promise<{ state: string }> };
}

/**
 * Bytes that an ordinary user may still write to the disk of a folder; undefined if the system does not report it.
 *
 * @throws the error of the operating system.
 */
export async function freeBytesOf(folder: string): Promise<number | undefined> {
  const { Deno } = globalThis as { Deno?: DenoPermissions };
  // Without the permission, the call would ask the user for it.
  if (Deno && (await Deno.permissions.query({ name: "sys", kind: "statfs" })).state !== "granted") return undefined;
  const { bavail, blocks, bsize } = await statfs(folder);
  // Some network file systems report no sizes at all.
  return blocks === 0 ? undefined : bavail * bsize;
}
