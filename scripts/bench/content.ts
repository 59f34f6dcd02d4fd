/**
 * Large files of known content: what is read, copied, and joined at its end.
 * @module
 */
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { cycle } from "./generator/records.ts";

/** Bytes of the records in large files and appends. */
export const LARGE_RECORD_BYTES: number = 64 * 1024;

/** What peers are given of the large amounts who would take minutes for all of it. */
export const LARGE_SHARES: Readonly<Record<string, number>> = { durable: 1 / 16 };

/** A file of so many bytes; two of the same size in a folder are one. Do not change it. */
export async function contentFile(folder: string, bytes: number): Promise<string> {
  const file = join(folder, `content-${bytes}`);
  if (!existsSync(file)) await writeContent(file, bytes);
  return file;
}

async function writeContent(file: string, bytes: number): Promise<void> {
  const whole = cycle({ bytes: LARGE_RECORD_BYTES });
  const handle = await open(file, "w");
  try {
    for (let left = bytes; left > 0; left -= whole.length) {
      await handle.write(whole, 0, Math.min(left, whole.length));
    }
  } finally {
    await handle.close();
  }
}
