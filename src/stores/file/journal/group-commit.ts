/**
 * Flushing the appends of one process, which share a flush when there are many.
 *
 * A file system flushes each file on its own, and the disk does that a few hundred times a second. So appends that come
 * while others are being flushed wait, and go to the disk together: in the journal, with one flush.
 * @module
 */
import type { DiskFile } from "./disk-file.ts";
import type { Journal } from "./journal.ts";
import type { Entry } from "./segment.ts";

/** How many files are flushed at once before others share a flush. */
const ALONE = 2;

/** Most bytes of an append that are written once more for the sake of a shared flush: more are worth one of their own. */
const SHARED_BYTES = 64 * 1024;

/** So many bytes share a flush with no more. */
const GROUP_BYTES = 4 * 1024 * 1024;

interface Waiting extends Entry {
  readonly flushed: () => void;
  readonly failed: (error: unknown) => void;
}

/** Brings appends to the disk, alone or together. */
export class SharedFlush {
  readonly #journal: Journal;
  #waiting: Waiting[] = [];
  #sharing = false;
  #alone = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /**
   * Resolves when bytes that were written to a file are on the disk. Calls for the same file must not overlap.
   *
   * @throws errors of the operating system.
   */
  flush(entry: Entry): Promise<void> {
    if (entry.bytes.length > SHARED_BYTES) return this.#flushFile(entry.file);
    if (!this.#sharing && this.#alone < ALONE) return this.#flushAlone(entry.file);
    return new Promise((flushed, failed) => {
      this.#waiting.push({ ...entry, flushed, failed });
      if (!this.#sharing) void this.#share();
    });
  }

  /** Flushes what is only in the journal of a file, before it is closed. */
  settle(file: DiskFile): Promise<void> {
    return this.#journal.settle(file);
  }

  async #flushAlone(file: DiskFile): Promise<void> {
    this.#alone++;
    try {
      await this.#flushFile(file);
    } finally {
      this.#alone--;
    }
  }

  async #flushFile(file: DiskFile): Promise<void> {
    await file.flush();
    this.#journal.forget(file);
  }

  async #share(): Promise<void> {
    this.#sharing = true;
    while (this.#waiting.length > 0) await this.#flushGroup(this.#nextGroup());
    this.#sharing = false;
  }

  #nextGroup(): Waiting[] {
    let count = 0;
    for (let size = 0; count < this.#waiting.length && size < GROUP_BYTES; count++) {
      size += this.#waiting[count]?.bytes.length ?? 0;
    }
    return this.#waiting.splice(0, count);
  }

  async #flushGroup(group: readonly Waiting[]): Promise<void> {
    const kept = group.length > 1 && (await this.#keep(group));
    await Promise.all(
      group.map(({ file, flushed, failed }) => (kept ? flushed() : this.#flushFile(file).then(flushed, failed))),
    );
  }

  /** Whether the journal has them. If it can't, the files are flushed: it only spares the disk some work. */
  async #keep(group: readonly Waiting[]): Promise<boolean> {
    try {
      await this.#journal.keep(group);
      return true;
    } catch {
      return false;
    }
  }
}
