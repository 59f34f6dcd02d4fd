/**
 * The journal of one process: bytes of many files in one, so that one flush brings all of them to the disk.
 *
 * They are in the journal before they are in their files. What a file has on the disk when the power goes is anybody's
 * guess, also zeros where bytes were to come; so the files get it from here when the root is opened next (see
 * `recovery.ts`). As soon as the files have been flushed, what is here is removed.
 * @module
 */
import type { Owner } from "../claims/owner.ts";
import type { Reserved } from "../reserved/layout.ts";
import type { DiskFile } from "./disk-file.ts";
import { type Entry, FULL_MS, Segment } from "./segment.ts";

/** Segments, of which the newest is written to. */
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
   * Keeps bytes of several files; they are on the disk, and on their way to the files, when this resolves. Calls must
   * not overlap.
   *
   * @throws errors of the operating system.
   */
  async keep(entries: readonly Entry[]): Promise<void> {
    const known = this.#newest;
    try {
      await this.#keep(entries);
    } catch (error) {
      // What is in the way may have been the journal itself: there is room again where it took the last of it.
      if (!known) throw error;
      await this.#keep(entries);
    }
  }

  /** Flushes a file if something of it is on the disk only here. Nothing of it must be on its way. */
  async settle(file: DiskFile): Promise<void> {
    if (![...this.#segments].some((segment) => segment.has(file))) return;
    await file.flush();
    for (const segment of this.#segments) segment.forget(file);
    if (this.#newest?.isFlushed) await this.retire();
  }

  /** Flushes the files of which something is here, and removes it. What can't be is left to whoever opens the root next. */
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
      if (segment.isFull && segment === this.#newest) void this.retire();
    } catch (error) {
      // Nothing must be kept behind what is torn.
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
