/**
 * Group commit: appends that come while others go to the disk wait, and then share one flush.
 * @module
 */
import type { Journal } from "./journal.ts";
import type { Entry } from "./segment.ts";

/** So many bytes share a flush with no more. */
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
   * Resolves when bytes are on the disk, and have then been written to their file. Calls for the same file must not
   * overlap.
   *
   * @throws errors of the operating system. Whether the bytes were on the disk does not matter any more.
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
      // What stands in the journal and not in the file must not get there when somebody else has gone on with it.
      await this.#journal.retire();
      throw error;
    }
  }

  /** Flushes a file of which something is on the disk only in the journal. */
  settle(file: Entry["file"]): Promise<void> {
    return this.#journal.settle(file);
  }

  async #commit(): Promise<void> {
    this.#committing = true;
    // One turn of patience: what is appended in the same turn goes together.
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
    for (let size = 0; count < this.#waiting.length && size < GROUP_BYTES; count++) {
      size += this.#waiting[count]?.bytes.length ?? 0;
    }
    return this.#waiting.splice(0, count);
  }
}
