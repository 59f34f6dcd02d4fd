/**
 * The records of a root as files: each is written whole or not at all.
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
import { join } from "node:path";
import { errorCode, isMissing } from "../folders/errors.ts";
import { makeFolderSync } from "../folders/folder.ts";
import { nameIn, writeTextWhole } from "../reserved/atomic-write.ts";
import { flush } from "../reserved/fsync.ts";
import { keyOf, type Reserved } from "../reserved/layout.ts";
import { readOwn, readOwnNow } from "../reserved/own-file.ts";
import { formatRecord, parseRecord, type StreamRecord } from "./stream-record.ts";

/** How often a record is written into folders that others may remove. */
const ATTEMPTS = 8;

/** How often a record is looked at that seems to be torn. */
const LOOKS = 3;

/** What file systems say that know no hard links. */
const NO_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Reads and writes records. What is small and stays in the system's memory is written in the same turn: a few trips
 * through the thread pool would cost more than a short append, and nothing can come in between.
 */
export class Records {
  readonly #reserved: Reserved;

  constructor(reserved: Reserved) {
    this.#reserved = reserved;
  }

  /** The record of a file; nothing where there is none, or it is torn. */
  async read(name: string): Promise<StreamRecord | undefined> {
    const text = await readOwn(this.#place(name));
    if (typeof text !== "string") return undefined;
    // One that is being written right now is whole at the next look.
    return parseRecord(text, name) ?? this.readNow(name);
  }

  /** As {@link read}, in this very turn. */
  readNow(name: string): StreamRecord | undefined {
    for (let look = 1; ; look++) {
      const text = readOwnNow(this.#place(name));
      if (typeof text !== "string") return undefined;
      const found = parseRecord(text, name);
      if (found || text === "" || look === LOOKS) return found;
    }
  }

  /**
   * Puts a record in the place of whatever is there. One of the same length is written over, in one piece: a process that
   * dies leaves the one or the other, and its check tells whether a power cut has torn it. Renaming another file over it
   * would make ext4 allocate and write that at once, which takes thirty times as long.
   */
  writeNow(record: StreamRecord): void {
    if (this.#overwrite(record)) return;
    this.#inPlace(record, (temporary, file) => renameSync(temporary, file));
  }

  /**
   * As {@link writeNow}; the disk has it when this resolves.
   *
   * @param mayWrite Asked once more if the record does not change in this very turn; nothing changes if it says no.
   */
  async writeDurably(record: StreamRecord, mayWrite: () => boolean): Promise<void> {
    const file = this.#place(record.file);
    // Its name and its place on the disk stay: one flush does.
    if (this.#overwrite(record)) await flush(file);
    else await writeTextWhole(this.#reserved, file, { text: formatRecord(record), durable: true, mayWrite });
  }

  /** Puts a record where there is none; says whether it stands now. One that is torn counts as none. */
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

  /** Brings the record of a file to the disk. */
  async flush(name: string): Promise<void> {
    await flush(this.#place(name));
    await flush(this.#reserved.streams);
  }

  /** Forgets a file. */
  removeNow(name: string): void {
    try {
      unlinkSync(this.#place(name));
    } catch (error) {
      if (!isNone(error)) throw error;
    }
  }

  /** Whether anything is on record of a file. */
  has(name: string): boolean {
    return existsSync(this.#place(name));
  }

  #place(name: string): string {
    return join(this.#reserved.streams, `${keyOf(name)}.json`);
  }

  #overwrite(record: StreamRecord): boolean {
    const bytes = Buffer.from(formatRecord(record));
    const { O_WRONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
    let fd: number | undefined;
    try {
      fd = openSync(this.#place(record.file), O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
      const found = fstatSync(fd);
      // Of a copy that shares it, as some backups make, the other name keeps what it had.
      if (!found.isFile() || found.size !== bytes.length || found.nlink > 1) return false;
      return writeSync(fd, bytes, 0, bytes.length, 0) === bytes.length;
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
        // A hand has put a folder in its place.
        if (errorCode(error) === "EISDIR") rmSync(this.#place(record.file), { recursive: true, force: true });
        else if (!isMissing(error)) throw error;
        // Mostly the folders are there; a hand may take them away at any moment.
        makeFolderSync(this.#reserved.temporary);
        makeFolderSync(this.#reserved.streams);
      }
    }
  }
}

/** Whether a name is taken, also by a link that leads nowhere. */
function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

/** Nothing at its place, or something that is no file. */
function isNone(error: unknown): boolean {
  return isMissing(error) || ["ENOTDIR", "EISDIR", "ELOOP"].includes(errorCode(error));
}

function discard(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // It was never made, or is named right now.
  }
}
