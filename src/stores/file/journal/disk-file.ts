/**
 * A file that is appended to and flushed.
 * @module
 */
import type { Stats } from "node:fs";
import type { OpenFile } from "../folders/opened-file.ts";
import type { FileIdentity } from "./record.ts";

/** An open file whose bytes must reach the disk. The journal flushes it, at the latest when the claim is released. */
export class DiskFile {
  readonly identity: FileIdentity;
  readonly #opened: OpenFile;
  readonly #flushLog: () => Promise<void>;
  #flushed: Promise<void> = Promise.resolve();

  /**
   * @param name Its real location, relative to the root.
   * @param found Its stats.
   * @param flushLog Flushes the log of its stream. Default: none.
   */
  constructor(opened: OpenFile, name: string, found: Stats, flushLog: () => Promise<void> = async () => {}) {
    this.#flushLog = flushLog;
    this.#opened = opened;
    this.identity = identityOf(name, found);
  }

  /**
   * Flushes what has been written so far, to the log, too. Flushes of one file do not overlap.
   *
   * @throws Errors of the operating system.
   */
  flush(): Promise<void> {
    const done = this.#flushed.then(() => this.#flushLog()).then(() => this.#opened.datasync());
    this.#flushed = done.catch(() => {});
    return done;
  }

  /**
   * Closes the file after pending flushes.
   *
   * @throws Errors of the operating system.
   */
  async close(): Promise<void> {
    await this.#flushed;
    await this.#opened.close();
  }
}

/** Distinguishes a file from another one that has its name later. */
export function identityOf(name: string, { ino, birthtimeMs }: Stats): FileIdentity {
  return { name, inode: ino, bornMs: birthtimeMs };
}
