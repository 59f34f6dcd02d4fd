/**
 * Large files of known content, for reads, copies and joins.
 * @module
 */
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { cycle } from "./generator/records.ts";

/** The size of the records in large files and appends, in bytes. */
export const LARGE_RECORD_BYTES: number = 64 * 1024;

/** The share of the large amounts that slow peers get, by name, because the full amount would take minutes. */
export const LARGE_SHARES: Readonly<Record<string, number>> = { durable: 1 / 16 };

/** Returns the path of a file of that size, which is created once per folder and shared. Do not modify it. */
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
