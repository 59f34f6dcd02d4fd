/**
 * Writing to the end of an open file.
 * @module
 */
import { writeSync } from "node:fs";
import type { FileHandle as OpenFile } from "node:fs/promises";

/** Most bytes that are written without the thread pool, which costs more than to write this much into the system's memory. */
const QUICK_BYTES = 128 * 1024;

/** Milliseconds of a write that make the next ones go through the thread pool, and for how long. */
const SLOW_MS = 2;
const WARY_MS = 1_000;

/** Writes to one file, in this very turn where that is quick. */
export class Writer {
  readonly #opened: OpenFile;
  #slowUntilMs = 0;

  constructor(opened: OpenFile) {
    this.#opened = opened;
  }

  /** Writes some of the bytes; how many. */
  write(bytes: Uint8Array): number | Promise<number> {
    return this.#isQuick(bytes) ? this.#writeNow(bytes) : this.#write(bytes);
  }

  /** Whether to write in this very turn: a little into memory of the system is done before the thread pool has begun. */
  #isQuick(bytes: Uint8Array): boolean {
    return bytes.length <= QUICK_BYTES && performance.now() >= this.#slowUntilMs;
  }

  #writeNow(bytes: Uint8Array): number {
    const beganMs = performance.now();
    const written = writeSync(this.#opened.fd, bytes, 0, bytes.length, null);
    const endedMs = performance.now();
    // The system makes writers wait when it has too much to bring to the disk. Nobody else must wait with this one.
    if (endedMs - beganMs > SLOW_MS) this.#slowUntilMs = endedMs + WARY_MS;
    return written;
  }

  async #write(bytes: Uint8Array): Promise<number> {
    const { bytesWritten } = await this.#opened.write(bytes, 0, bytes.length, null);
    return bytesWritten;
  }
}
