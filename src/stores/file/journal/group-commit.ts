/**
 * Group commit: appends that arrive during a flush wait, and then share the next one.
 * @module
 */
import type { Journal } from "./journal.ts";
import type { Entry } from "./segment.ts";

/** Bytes after which a group accepts no more appends. */
const GROUP_BYTES = 4 * 1024 * 1024;

interface Waiting extends Entry {
  readonly failed: (error: unknown) => void;
}

/** Brings appends to the disk before they are in their files. */
export class GroupCommit {
  readonly #journal: Journal;
  #waiting: Waiting[] = [];
  #committing = false;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /**
   * Resolves when the bytes are on the disk, and have then been written to their file. Calls for the same file must not
   * overlap.
   *
   * @throws Errors of the operating system. The journal is retired then, so that recovery does not write the bytes
   * later.
   */
  async store({ write, ...entry }: Entry): Promise<void> {
    const stored = new Promise<void>((resolve, failed) => {
      const begin = (): Promise<void> => {
        const written = write();
        resolve(written);
        return written;
      };
      this.#waiting.push({ ...entry, write: begin, failed });
    });
    if (!this.#committing) void this.#commit();
    try {
      await stored;
    } catch (error) {
      // Recovery must not write bytes of a failed append to the file after another process has continued it.
      await this.#journal.retire();
      throw error;
    }
  }

  /** Flushes all files, so that recovery does not write what was cut off again. */
  retire(): Promise<void> {
    return this.#journal.retire();
  }

  /**
   * Flushes a file if some of its bytes are on the disk only in the journal.
   *
   * @throws Errors of the operating system.
   */
  settle(file: Entry["file"]): Promise<void> {
    return this.#journal.settle(file);
  }

  async #commit(): Promise<void> {
    this.#committing = true;
    // Wait for one microtask: appends of the same turn share a group.
    await undefined;
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup();
      await this.#journal.keep(group).catch((error: unknown) => {
        for (const { failed } of group) failed(error);
      });
    }
    this.#committing = false;
  }

  #nextGroup(): Waiting[] {
    let count = 0;
    let size = 0;
    for (const { bytes } of this.#waiting) {
      if (size >= GROUP_BYTES) break;
      size += bytes.length;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}
