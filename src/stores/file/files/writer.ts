/**
 * Writes to the end of an open file.
 * @module
 */
import { writeSync } from "node:fs";
import type { OpenFile } from "../folders/opened-file.ts";
import { QuickCalls } from "../folders/quick-calls.ts";

/**
 * Maximum bytes of a synchronous write. A trip through the thread pool costs more than writing this much into the page
 * cache.
 */
const QUICK_BYTES = 128 * 1024;

/** Milliseconds for which writes go through the thread pool after a slow one. */
const SLOW_PERIOD_MS = 1_000;

/** Writes to one file, synchronously where that is fast. */
export class Writer {
  readonly #opened: OpenFile;
  /** The system blocks writers while it has too much to flush. The event loop must not wait with them. */
  readonly #calls = new QuickCalls(SLOW_PERIOD_MS);

  constructor(opened: OpenFile) {
    this.#opened = opened;
  }

  /**
   * Writes some of the bytes, and returns their number.
   *
   * @throws Errors of the operating system.
   */
  write(bytes: Uint8Array): number | Promise<number> {
    return this.#isQuick(bytes) ? this.#writeNow(bytes) : this.#write(bytes);
  }

  /** Whether to write synchronously: a small write into the page cache finishes before the thread pool would begin. */
  #isQuick(bytes: Uint8Array): boolean {
    return bytes.length <= QUICK_BYTES && this.#calls.areQuick;
  }

  #writeNow(bytes: Uint8Array): number {
    return this.#calls.now(() => writeSync(this.#opened.fd, bytes, 0, bytes.length, null));
  }

  async #write(bytes: Uint8Array): Promise<number> {
    const { bytesWritten } = await this.#opened.write(bytes, 0, bytes.length, null);
    return bytesWritten;
  }
}
