/**
 * Writes to the end of an open file.
 * @module
 */
import { writeSync } from "node:fs";
import type { FileHandle as OpenFile } from "node:fs/promises";

/**
 * Maximum bytes of a synchronous write. A trip through the thread pool costs more than writing this much into the page
 * cache.
 */
const QUICK_BYTES = 128 * 1024;

/** Milliseconds after which a synchronous write counts as slow. */
const SLOW_MS = 2;
/** Milliseconds for which writes go through the thread pool after a slow one. */
const SLOW_PERIOD_MS = 1_000;

/** Writes to one file, synchronously where that is fast. */
export class Writer {
  readonly #opened: OpenFile;
  #slowUntilMs = 0;

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
    return bytes.length <= QUICK_BYTES && performance.now() >= this.#slowUntilMs;
  }

  #writeNow(bytes: Uint8Array): number {
    const beganMs = performance.now();
    const written = writeSync(this.#opened.fd, bytes, 0, bytes.length, null);
    const endedMs = performance.now();
    // The system blocks writers while it has too much to flush. The event loop must not wait with them.
    if (endedMs - beganMs > SLOW_MS) this.#slowUntilMs = endedMs + SLOW_PERIOD_MS;
    return written;
  }

  async #write(bytes: Uint8Array): Promise<number> {
    const { bytesWritten } = await this.#opened.write(bytes, 0, bytes.length, null);
    return bytesWritten;
  }
}
