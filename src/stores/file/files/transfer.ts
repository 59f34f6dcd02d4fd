/**
 * Reading and writing all of something: the system may do a part of it at a time.
 * @module
 */
import type { FileHandle as OpenFile } from "node:fs/promises";

/** Writes all bytes: at an offset, or behind what was written last. */
export async function writeAll(opened: OpenFile, bytes: Uint8Array, offset?: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const position = offset === undefined ? null : offset + at;
    at += (await opened.write(bytes, at, bytes.length - at, position)).bytesWritten;
  }
}

/** Reads as many bytes from an offset on, or as there are. */
export async function readAt(opened: OpenFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const { bytesRead } = await opened.read(bytes, at, length - at, offset + at);
    if (bytesRead === 0) return bytes.subarray(0, at);
    at += bytesRead;
  }
  return bytes;
}
