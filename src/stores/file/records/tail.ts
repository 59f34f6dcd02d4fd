/**
 * The digest of the last bytes before an offset.
 * @module
 */
import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import { readAt } from "../files/transfer.ts";
import type { OpenFile } from "../folders/opened-file.ts";

/** Maximum bytes that a digest covers. Contents that differ only before these bytes are not distinguished. */
export const TAIL_BYTES: number = 4 * 1024;

/** Hexadecimal digits of a digest that are kept. */
const DIGEST_LENGTH = 32;

/**
 * The digest of the last {@link TAIL_BYTES} bytes before an offset; of fewer if the file ends earlier.
 *
 * @throws Errors of the operating system.
 */
export async function tailDigest(opened: OpenFile, end: number): Promise<string> {
  const from = Math.max(0, end - TAIL_BYTES);
  return digestOf(await readAt(opened, from, end - from));
}

/**
 * As {@link tailDigest}, synchronously. The caller has just written these bytes, or is about to append to them.
 *
 * @throws Errors of the operating system.
 */
export function tailDigestSync(fd: number, end: number): string {
  const from = Math.max(0, end - TAIL_BYTES);
  const bytes = new Uint8Array(end - from);
  let at = 0;
  while (at < bytes.length) {
    const read = readSync(fd, bytes, at, bytes.length - at, from + at);
    if (read === 0) break;
    at += read;
  }
  return digestOf(bytes.subarray(0, at));
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, DIGEST_LENGTH);
}
