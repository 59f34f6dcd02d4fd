/**
 * The digest of the last bytes before an offset.
 * @module
 */
import { readSync } from "node:fs";
import { readAt } from "../files/transfer.ts";
import type { OpenFile } from "../folders/opened-file.ts";
import { sha256 } from "../reserved/sha256.ts";

/** Maximum bytes that a digest covers. Contents that differ only before these bytes are not distinguished. */
export const TAIL_BYTES: number = 4 * 1024;

/** Hexadecimal digits of a digest that are kept. */
const DIGEST_LENGTH = 32;

/** Where {@link tailDigestSync} reads to: a buffer for each short append would be most of its memory. */
const memory = new Uint8Array(TAIL_BYTES);

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
  const length = end - from;
  let at = 0;
  while (at < length) {
    const read = readSync(fd, memory, at, length - at, from + at);
    if (read === 0) break;
    at += read;
  }
  return digestOf(memory.subarray(0, at));
}

function digestOf(bytes: Uint8Array): string {
  return sha256(bytes).slice(0, DIGEST_LENGTH);
}
