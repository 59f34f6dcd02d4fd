/**
 * The records of a root as files. A torn record is detected, and counts as missing.
 * @module
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { errorCode, isMissing } from "../folders/errors.ts";
import { makeFolderSync } from "../folders/folder.ts";
import { entryIn } from "../folders/names.ts";
import { nameIn, writeTextAtomic } from "../reserved/atomic-write.ts";
import { flush } from "../reserved/fsync.ts";
import { keyOf, type Reserved } from "../reserved/layout.ts";
import { readSmallFile, readSmallFileSync } from "../reserved/small-file.ts";
import { formatRecord, parseRecord, type StreamRecord } from "./stream-record.ts";

/** Attempts at writing a record into folders that may be removed meanwhile. */
const ATTEMPTS = 8;

/** Maximum number of reads of a record that seems to be torn. */
const LOOKS = 3;

/** Maximum number of records in memory. */
const MAX_KNOWN = 1_024;

/** Error codes of file systems without hard links. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Reads and writes records. Small writes into the page cache are synchronous: a few trips through the thread pool would
 * cost more than a short append, and nothing can come in between.
 */
export class RecordFiles {
  readonly #reserved: Reserved;
  /** The records that were read or written last, as texts and as what they mean: an append reads its record twice. */
  readonly #known = new Map<string, { readonly text: string; readonly record: StreamRecord }>();

  constructor(reserved: Reserved) {
    this.#reserved = reserved;
  }

  /**
   * The record of a file; undefined if it does not exist, or is torn.
   *
   * @throws Errors of the operating system.
   */
  async read(name: string): Promise<StreamRecord | undefined> {
    const text = await readSmallFile(this.#place(name));
    if (typeof text !== "string") return undefined;
    // A record that is being written right now is complete at the next check.
    return parseRecord(text, name) ?? this.readNow(name);
  }

  /**
   * As {@link read}, synchronously.
   *
   * @throws Errors of the operating system.
   */
  readNow(name: string): StreamRecord | undefined {
    for (let look = 1; ; look++) {
      const text = readSmallFileSync(this.#place(name));
      if (typeof text !== "string") return undefined;
      const known = this.#known.get(name);
      if (known?.text === text) return known.record;
      const found = parseRecord(text, name);
      if (found) this.#know(found, text);
      if (found || text === "" || look === LOOKS) return found;
    }
  }

  /**
   * Creates or replaces the record of a file. A record of the same length is overwritten in one piece: if the process
   * dies, the old or the new one remains, and the checksum shows whether a power cut has torn it. Renaming another file
   * over it would make ext4 allocate and write that file at once, which takes thirty times as long.
   *
   * @throws Errors of the operating system.
   */
  writeNow(record: StreamRecord): void {
    if (this.#overwrite(record)) return;
    this.#inPlace(record, (temporary, file) => renameSync(temporary, file));
  }

  /**
   * As {@link writeNow}, but the record is on the disk when this resolves.
   *
   * @param mayWrite Called in the turn in which the record changes, unless it is overwritten synchronously. If it
   * returns false, nothing changes.
   * @throws Errors of the operating system.
   */
  async writeDurably(record: StreamRecord, mayWrite: () => boolean): Promise<void> {
    const file = this.#place(record.file);
    // The name of the record and its place on the disk stay the same, so one flush is enough.
    if (this.#overwrite(record)) await flush(file);
    else await writeTextAtomic(this.#reserved, file, { text: formatRecord(record), durable: true, mayWrite });
  }

  /**
   * Creates a record if it does not exist. A torn record counts as missing.
   *
   * @returns Whether the record was written.
   * @throws Errors of the operating system.
   */
  createNow(record: StreamRecord): boolean {
    if (isThere(this.#place(record.file)) && this.readNow(record.file) === undefined) {
      this.writeNow(record);
      return true;
    }
    try {
      this.#inPlace(record, (temporary, file) => {
        linkSync(temporary, file);
        unlinkSync(temporary);
      });
      return true;
    } catch (error) {
      if (errorCode(error) === "EEXIST") return false;
      if (!NO_LINKS.has(errorCode(error)) || isThere(this.#place(record.file))) throw error;
      this.writeNow(record);
      return true;
    }
  }

  /**
   * Flushes the record of a file.
   *
   * @throws Errors of the operating system.
   */
  async flush(name: string): Promise<void> {
    await flush(this.#place(name));
    await flush(this.#reserved.streams);
  }

  /**
   * Removes the record of a file, if there is one.
   *
   * @throws Errors of the operating system.
   */
  removeNow(name: string): void {
    try {
      unlinkSync(this.#place(name));
    } catch (error) {
      if (!isNone(error)) throw error;
    }
  }

  /** Whether there is a record of a file, intact or not. */
  has(name: string): boolean {
    return existsSync(this.#place(name));
  }

  #place(name: string): string {
    return entryIn(this.#reserved.streams, `${keyOf(name)}.json`);
  }

  #know(record: StreamRecord, text: string): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(record.file, { text, record });
  }

  #overwrite(record: StreamRecord): boolean {
    const text = formatRecord(record);
    const bytes = Buffer.from(text);
    const { O_WRONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
    let fd: number | undefined;
    try {
      fd = openSync(this.#place(record.file), O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
      const found = fstatSync(fd);
      // If a backup shares the file by a hard link, the backup must keep the old record.
      if (!found.isFile() || found.size !== bytes.length || found.nlink > 1) return false;
      if (writeSync(fd, bytes, 0, bytes.length, 0) !== bytes.length) return false;
      // What is read has no fields without a value.
      if (!Object.values(record).includes(undefined)) this.#know(record, text);
      return true;
    } catch {
      return false;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  #inPlace(record: StreamRecord, put: (temporary: string, file: string) => void): void {
    const text = formatRecord(record);
    for (let attempt = 1; ; attempt++) {
      const temporary = nameIn(this.#reserved.temporary);
      try {
        writeFileSync(temporary, text, { flag: "wx", mode: 0o600 });
        put(temporary, this.#place(record.file));
        return;
      } catch (error) {
        discard(temporary);
        if (attempt === ATTEMPTS) throw error;
        // Another program has put a folder in its place.
        if (errorCode(error) === "EISDIR") rmSync(this.#place(record.file), { recursive: true, force: true });
        else if (!isMissing(error)) throw error;
        // Usually the folders exist, but another program may remove them at any moment.
        makeFolderSync(this.#reserved.temporary);
        makeFolderSync(this.#reserved.streams);
      }
    }
  }
}

/** Whether a name is taken, even by a dangling link. */
function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

/** Whether an error means that there is nothing at the record's place, or something other than a file. */
function isNone(error: unknown): boolean {
  return isMissing(error) || ["ENOTDIR", "EISDIR", "ELOOP"].includes(errorCode(error));
}

function discard(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // It was never created, or has its final name already.
  }
}
