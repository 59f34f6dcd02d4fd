/**
 * One file of the journal.
 * @module
 */
import { fstatSync } from "node:fs";
import { type FileHandle as OpenFile, open } from "node:fs/promises";
import type { OwnerRecord } from "../claims/owner.ts";
import { writeAll } from "../files/transfer.ts";
import { makeFolder, namesIn } from "../folders/folder.ts";
import { nameIn, removeFile } from "../reserved/atomic-write.ts";
import { flushFolders } from "../reserved/fsync.ts";
import type { Reserved } from "../reserved/layout.ts";
import type { DiskFile } from "./disk-file.ts";
import { encodeOwner, encodeRecord } from "./record.ts";

/** Bytes to be appended to a file. */
export interface Entry {
  readonly file: DiskFile;
  /** The offset of the first byte. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** What {@link write} also writes to the log of the stream. Default: nothing. */
  readonly note?: string | undefined;
  /** Writes the bytes to the file. Called once the bytes are on the disk, in the journal. */
  readonly write: () => Promise<void>;
}

/** Bytes after which a segment is full. */
const FULL_BYTES = 32 * 1024 * 1024;

/** Milliseconds after which a segment is full. File systems flush data that is not much older on their own. */
export const FULL_MS = 5_000;

/** The order of the last segment that this process has begun. */
let lastOrder = 0;

/** Keeps the bytes of many files until the files themselves are flushed. */
export class Segment {
  readonly #path: string;
  readonly #opened: OpenFile;
  readonly #order: number;
  readonly #beganMs = performance.now();
  /** The files with bytes in this segment that they may not have on the disk. */
  readonly #files = new Set<DiskFile>();
  /** Pending writes to the segment and to the files. */
  readonly #busy = new Set<Promise<void>>();
  #size = 0;

  private constructor(path: string, opened: OpenFile, order: number) {
    this.#path = path;
    this.#opened = opened;
    this.#order = order;
  }

  /**
   * Begins a segment. Its name is on the disk when this resolves; its contents are on the disk with the first bytes
   * that it stores.
   *
   * @throws Errors of the operating system.
   */
  static async begin(root: string, reserved: Reserved, owner: OwnerRecord): Promise<Segment> {
    await makeFolder(reserved.journal);
    const order = await nextOrder(reserved.journal);
    const path = `${nameIn(reserved.journal)}_${order}`;
    const opened = await open(path, "wx", 0o600);
    try {
      await writeAll(opened, encodeOwner(owner));
      await flushFolders(reserved.journal, root);
    } catch (error) {
      await opened.close();
      await removeFile(path);
      throw error;
    }
    return new Segment(path, opened, order);
  }

  /** Whether the next bytes need a new segment. */
  get isFull(): boolean {
    return this.#size >= FULL_BYTES || performance.now() - this.#beganMs >= FULL_MS;
  }

  /** Whether every file has its bytes of this segment on the disk. */
  get isFlushed(): boolean {
    return this.#files.size === 0;
  }

  /** Whether a file may lack bytes of this segment on the disk. */
  has(file: DiskFile): boolean {
    return this.#files.has(file);
  }

  /**
   * Stores bytes of several files. When this resolves, the bytes are on the disk and on their way to the files. Calls
   * must not overlap.
   *
   * @throws Errors of the operating system.
   */
  keep(entries: readonly Entry[]): Promise<void> {
    return this.#track(this.#keep(entries));
  }

  /** Notes that a file has been flushed. */
  forget(file: DiskFile): void {
    this.#files.delete(file);
  }

  /** Flushes the files, and removes the segment unless a flush fails. Nothing may be stored in it afterwards. */
  async retire(): Promise<void> {
    while (this.#busy.size > 0) await Promise.allSettled(this.#busy);
    // One by one: this is not urgent.
    for (const file of this.#files) {
      await file.flush().then(
        () => this.forget(file),
        () => {},
      );
    }
    await this.#opened.close().catch(() => {});
    if (this.isFlushed) await removeFile(this.#path).catch(() => {});
  }

  async #keep(entries: readonly Entry[]): Promise<void> {
    for (const { file } of entries) this.#files.add(file);
    const keptMs = this.#order;
    const records = entries.flatMap(({ file: { identity: file }, offset, bytes, note }) => {
      return encodeRecord({ file, offset, bytes, note, keptMs });
    });
    const group = Buffer.concat(records);
    await writeAll(this.#opened, group);
    await this.#opened.datasync();
    this.#size += group.length;
    // During a pause, another process considered this one dead and removed the segment. No recovery would find these
    // bytes.
    if (fstatSync(this.#opened.fd).nlink === 0) throw new Error("The journal was removed.");
    for (const { write } of entries) void this.#track(write()).catch(() => {});
  }

  /** Keeps the segment until `work` settles. */
  #track(work: Promise<void>): Promise<void> {
    const done = work.finally(() => this.#busy.delete(done));
    this.#busy.add(done);
    return done;
  }
}

/** An order above that of every earlier segment, of any process, whatever its clock said. */
async function nextOrder(journal: string): Promise<number> {
  const others = (await namesIn(journal)).map((name) => Number(/_(\d+)$/.exec(name)?.[1] ?? 0));
  lastOrder = Math.max(Date.now(), lastOrder + 1, ...others.map((other) => other + 1));
  return lastOrder;
}
