/**
 * The records of a root as files: each is written whole or not at all.
 * @module
 */
import { existsSync, linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, isMissing } from "../errors.ts";
import { makeFolderSync } from "../folder.ts";
import { flush, keyOf, nameIn, type Reserved, writeWhole } from "../reserved.ts";
import { parseRecord, type StreamRecord } from "./stream-record.ts";

/** How often a record is written into folders that others may remove. */
const ATTEMPTS = 8;

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
    try {
      return parseRecord(await readFile(this.#place(name), "utf8"), name);
    } catch (error) {
      if (isNone(error)) return undefined;
      throw error;
    }
  }

  /** As {@link read}, in this very turn. */
  readNow(name: string): StreamRecord | undefined {
    try {
      return parseRecord(readFileSync(this.#place(name), "utf8"), name);
    } catch (error) {
      if (isNone(error)) return undefined;
      throw error;
    }
  }

  /** Puts a record in the place of whatever is there. */
  writeNow(record: StreamRecord): void {
    this.#inPlace(record, (temporary, file) => renameSync(temporary, file));
  }

  /** As {@link writeNow}; the disk has it when this resolves. */
  async writeDurably(record: StreamRecord): Promise<void> {
    await writeWhole(this.#reserved, this.#place(record.file), record, true);
  }

  /** Puts a record where there is none; says whether it stands now. One that is torn counts as none. */
  createNow(record: StreamRecord): boolean {
    if (existsSync(this.#place(record.file)) && this.readNow(record.file) === undefined) {
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
      if (!NO_LINKS.has(errorCode(error)) || existsSync(this.#place(record.file))) throw error;
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

  #inPlace(record: StreamRecord, put: (temporary: string, file: string) => void): void {
    const text = `${JSON.stringify(record)}\n`;
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
