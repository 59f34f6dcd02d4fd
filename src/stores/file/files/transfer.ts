/**
 * Reads and writes all of a range: the system may transfer only part of it per call.
 * @module
 */
import type { OpenFile } from "../folders/opened-file.ts";

/**
 * Writes all bytes.
 *
 * @param offset Where the first byte goes. Default: behind the last write.
 * @throws Errors of the operating system.
 */
export async function writeAll(opened: OpenFile, bytes: Uint8Array, offset?: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const position = offset === undefined ? null : offset + at;
    at += (await opened.write(bytes, at, bytes.length - at, position)).bytesWritten;
  }
}

/**
 * Reads `length` bytes from an offset on, or fewer if the file ends earlier.
 *
 * @throws Errors of the operating system.
 */
export async function readAt(opened: OpenFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await opened.read(bytes, at, length - at, offset + at);
    if (bytesRead === 0) return bytes.subarray(0, at);
    at += bytesRead;
  }
  return bytes;
}
