/**
 * The journal of one process: the bytes of many files in one, so that one flush brings all of them to the disk.
 *
 * Bytes are in the journal before they are in their files. After a power cut, a file's contents on the disk are
 * unpredictable, and may have zeros in place of new bytes. So the files are restored from the journal when the root is
 * next opened (see `recovery.ts`). Once the files have been flushed, their bytes are removed from the journal.
 * @module
 */
import type { Owner } from "../claims/owner.ts";
import type { Reserved } from "../reserved/layout.ts";
import type { DiskFile } from "./disk-file.ts";
import { type Entry, FULL_MS, Segment } from "./segment.ts";

/** The segments of a journal. Only the newest is written to. */
export class Journal {
  readonly #root: string;
  readonly #reserved: Reserved;
  readonly #owner: Owner;
  readonly #segments = new Set<Segment>();
  #newest: Segment | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retired: Promise<unknown> = Promise.resolve();

  constructor(root: string, reserved: Reserved, owner: Owner) {
    this.#root = root;
    this.#reserved = reserved;
    this.#owner = owner;
  }

  /**
   * Stores bytes of several files. When this resolves, the bytes are on the disk and on their way to the files. Calls
   * must not overlap.
   *
   * @throws Errors of the operating system.
   */
  async keep(entries: readonly Entry[]): Promise<void> {
    const known = this.#newest;
    try {
      await this.#keep(entries);
    } catch (error) {
      // The journal itself may have filled the disk. Its segment is retired by now, so there may be room again.
      if (!known) throw error;
      await this.#keep(entries);
    }
  }

  /**
   * Flushes a file if some of its bytes are on the disk only in the journal. No write of it may be under way.
   *
   * @throws Errors of the operating system.
   */
  async settle(file: DiskFile): Promise<void> {
    if (![...this.#segments].some((segment) => segment.has(file))) return;
    await file.flush();
    for (const segment of this.#segments) segment.forget(file);
    if (this.#newest?.isFlushed) await this.retire();
  }

  /**
   * Flushes the files of the newest segment, and removes the segment. If a flush fails, the segment stays for the
   * recovery at the next opening of the root.
   */
  async retire(): Promise<void> {
    const segment = this.#newest;
    if (segment) {
      clearTimeout(this.#timer);
      this.#newest = undefined;
      this.#retired = Promise.all([this.#retired, this.#retire(segment)]);
    }
    await this.#retired;
  }

  async #retire(segment: Segment): Promise<void> {
    await segment.retire();
    if (segment.isFlushed) this.#segments.delete(segment);
  }

  async #keep(entries: readonly Entry[]): Promise<void> {
    try {
      this.#newest ??= await this.#begin();
      const segment = this.#newest;
      await segment.keep(entries);
      if (segment.isFull) void this.retire();
    } catch (error) {
      // No record may follow a torn one.
      await this.retire();
      throw error;
    }
  }

  async #begin(): Promise<Segment> {
    const segment = await Segment.begin(this.#root, this.#reserved, this.#owner.record);
    this.#segments.add(segment);
    this.#timer = setTimeout(() => void this.retire(), FULL_MS);
    this.#timer.unref?.();
    return segment;
  }
}
