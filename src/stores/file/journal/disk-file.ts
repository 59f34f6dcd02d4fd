/**
 * A file that is appended to and flushed.
 * @module
 */
import type { Stats } from "node:fs";
import type { FileHandle as OpenFile } from "node:fs/promises";
import type { FileIdentity } from "./record.ts";

/** An open file whose bytes must reach the disk: the journal flushes it, and so does whoever gives it back. */
export class DiskFile {
  readonly identity: FileIdentity;
  readonly #opened: OpenFile;
  #flushed: Promise<void> = Promise.resolve();

  /**
   * @param name Its real place, relative to the root.
   * @param found What the system says of it.
   */
  constructor(opened: OpenFile, name: string, found: Stats) {
    this.#opened = opened;
    this.identity = identityOf(name, found);
  }

  /** Brings to the disk what has been written until now. Flushes of one file don't overlap. */
  flush(): Promise<void> {
    const done = this.#flushed.then(() => this.#opened.datasync());
    this.#flushed = done.catch(() => {});
    return done;
  }

  /** Closes it once nobody flushes it any more. */
  async close(): Promise<void> {
    await this.#flushed;
    await this.#opened.close();
  }
}

/** What tells a file from another one that stands at its name later. */
export function identityOf(name: string, { ino, birthtimeMs }: Stats): FileIdentity {
  return { name, inode: ino, bornMs: birthtimeMs };
}
