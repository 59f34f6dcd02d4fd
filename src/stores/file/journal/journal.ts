/**
 * The journal of one process: bytes of many files in one, so that one flush brings all of them to the disk.
 *
 * The files have the same bytes, but perhaps not on the disk yet. Should the power go, they get them from here when the
 * root is opened next; see `recovery.ts`. As soon as the files are flushed, what is here is removed.
 * @module
 */
import type { Owner } from "../owner.ts";
import type { Reserved } from "../reserved.ts";
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
  #keeping = false;

  constructor(root: string, reserved: Reserved, owner: Owner) {
    this.#root = root;
    this.#reserved = reserved;
    this.#owner = owner;
  }

  /**
   * Keeps bytes of several files; they are on the disk when this resolves. Calls must not overlap.
   *
   * @throws errors of the operating system. The next call begins a new segment then.
   */
  async keep(entries: readonly Entry[]): Promise<void> {
    this.#keeping = true;
    try {
      this.#newest ??= await this.#begin();
      await this.#newest.keep(entries);
    } catch (error) {
      void this.#retire();
      throw error;
    } finally {
      this.#keeping = false;
    }
    if (this.#newest.isFull) void this.#retire();
  }

  /** A file has been flushed by whoever appends to it, and nothing of it is being kept. */
  forget(file: DiskFile): void {
    for (const segment of this.#segments) segment.forget(file);
  }

  /** Flushes a file if some of it is only here, and removes what is needless then. Nothing of it must be being kept. */
  async settle(file: DiskFile): Promise<void> {
    if (![...this.#segments].some((segment) => segment.has(file))) return;
    await file.flush();
    this.forget(file);
    if (!this.#keeping && this.#newest?.isNeedless) await this.#retire();
  }

  async #begin(): Promise<Segment> {
    const segment = await Segment.begin(this.#root, this.#reserved, this.#owner.record);
    this.#segments.add(segment);
    this.#timer = setTimeout(() => {
      // Otherwise whoever is keeping something in it finds it full.
      if (!this.#keeping) void this.#retire();
    }, FULL_MS);
    this.#timer.unref?.();
    return segment;
  }

  /** Makes room for a new segment, and the newest one needless. */
  async #retire(): Promise<void> {
    const segment = this.#newest;
    clearTimeout(this.#timer);
    this.#newest = undefined;
    if (!segment) return;
    await segment.flushFiles();
    // One that can't be removed is found by whoever opens the root next.
    await segment.close().catch(() => {});
    if (segment.isNeedless) this.#segments.delete(segment);
  }
}
