/**
 * One file of the journal.
 * @module
 */
import { fstatSync } from "node:fs";
import { type FileHandle as OpenFile, open } from "node:fs/promises";
import { makeFolder } from "../folder.ts";
import type { OwnerRecord } from "../owner.ts";
import { flushFolders, nameIn, type Reserved, removeFile } from "../reserved.ts";
import type { DiskFile } from "./disk-file.ts";
import { encodeOwner, encodeRecord } from "./record.ts";
import { writeAll } from "./transfer.ts";

/** Bytes of one file that the disk has to have. */
export interface Entry {
  readonly file: DiskFile;
  /** Of the first byte. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Bytes after which a segment is full. */
const FULL_BYTES = 16 * 1024 * 1024;

/** Milliseconds after which a segment is full. A file system brings to the disk by itself what is not much older. */
export const FULL_MS = 5_000;

/** Keeps the bytes of many files until the files themselves are flushed. */
export class Segment {
  readonly #path: string;
  readonly #opened: OpenFile;
  readonly #beganMs = performance.now();
  /** The files that have bytes here which they may not have on the disk. */
  readonly #files = new Set<DiskFile>();
  #size = 0;

  private constructor(path: string, opened: OpenFile) {
    this.#path = path;
    this.#opened = opened;
  }

  /** Begins a segment. Its name is on the disk when this resolves. */
  static async begin(root: string, reserved: Reserved, owner: OwnerRecord): Promise<Segment> {
    await makeFolder(reserved.journal);
    const path = nameIn(reserved.journal);
    const opened = await open(path, "wx", 0o600);
    try {
      await writeAll(opened, encodeOwner(owner));
      await opened.sync();
      await flushFolders(reserved.journal, root);
    } catch (error) {
      await opened.close();
      await removeFile(path);
      throw error;
    }
    return new Segment(path, opened);
  }

  /** Whether it is time for another one. */
  get isFull(): boolean {
    return this.#size >= FULL_BYTES || performance.now() - this.#beganMs >= FULL_MS;
  }

  /** Whether every file has on the disk what it has here. */
  get isNeedless(): boolean {
    return this.#files.size === 0;
  }

  has(file: DiskFile): boolean {
    return this.#files.has(file);
  }

  /** Keeps bytes of several files; they are on the disk when this resolves. Calls must not overlap. */
  async keep(entries: readonly Entry[]): Promise<void> {
    for (const { file } of entries) this.#files.add(file);
    const records = entries.flatMap(({ file, ...entry }) => encodeRecord({ file: file.identity, ...entry }));
    const group = Buffer.concat(records);
    await writeAll(this.#opened, group);
    await this.#opened.datasync();
    this.#size += group.length;
    // Whoever took us for dead while we stood still has removed it: what is in it now, nobody will find.
    if (fstatSync(this.#opened.fd).nlink === 0) throw new Error("The journal was taken away.");
  }

  /** A file has been flushed. */
  forget(file: DiskFile): void {
    this.#files.delete(file);
  }

  /** Flushes the files one by one, for there is no hurry. */
  async flushFiles(): Promise<void> {
    for (const file of [...this.#files]) {
      // What can't be flushed stays on record, for whoever opens the root next.
      await file.flush().then(
        () => this.forget(file),
        () => {},
      );
    }
  }

  /** Closes it. It is removed if nobody needs it any more. */
  async close(): Promise<void> {
    await this.#opened.close();
    if (this.isNeedless) await removeFile(this.#path);
  }
}
