/**
 * How much of a failed write is in the file.
 * @module
 */

import type { OpenFile } from "../folders/opened-file.ts";
import { readAt } from "./transfer.ts";

/** A write that has failed. */
interface FailedWrite {
  readonly opened: OpenFile;
  /** Whether the file can be read. */
  readonly readable: boolean;
  /** Where the bytes begin. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The number of bytes that are in the file: Deno does not report it, but the file shows it. */
export async function storedPart({ opened, readable, offset, bytes }: FailedWrite): Promise<number> {
  // With one more byte, another program has written behind them.
  const there = readable ? await readAt(opened, offset, bytes.length + 1).catch(() => undefined) : undefined;
  return there && Buffer.compare(there, bytes.subarray(0, there.length)) === 0 ? there.length : 0;
}
