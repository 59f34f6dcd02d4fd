/**
 * Reads the record of a path's content: its generation, its type, and how its last append ended.
 * @module
 */
import { fstatSync, type Stats, statSync } from "node:fs";
import { relative } from "node:path";
import type { StoreStat } from "../../../engine/storage/store.ts";
import { Claim } from "../claims/claim.ts";
import { mayBeClaimed } from "../claims/entries.ts";
import type { OpenFile } from "../folders/opened-file.ts";
import { keyOf, type Reserved } from "../reserved/layout.ts";
import { liveContents } from "./live-contents.ts";
import type { RecordFiles } from "./record-files.ts";
import { endedBy, isSameContent, newRecord, replacedRecord, type StreamRecord } from "./stream-record.ts";
import { tailDigest } from "./tail.ts";

/** Attempts at judging a record or file that changes meanwhile. */
const ATTEMPTS = 8;

/** Maximum number of records in memory, for files whose records cannot be written. */
const MAX_UNWRITTEN = 10_000;

/** An open file. */
export interface Found {
  /** Its real location when it was opened. */
  readonly file: string;
  readonly opened: OpenFile;
}

/** What is known of a content. */
export type Known = Pick<StoreStat, "generation" | "ended" | "type">;

/** An open file, its stats when it was opened, and what is known of its content. */
export interface Judged {
  readonly opened: OpenFile;
  readonly stats: Stats;
  readonly known: Known;
}

/** The contents of one root, as readers see them. */
export class RecordReader {
  readonly #root: string;
  readonly #reserved: Reserved;
  readonly #records: RecordFiles;
  readonly #durable: boolean;
  /** Records that cannot be written, as in a read-only or full root. They last as long as the store. */
  readonly #unwritten = new Map<string, StreamRecord>();

  constructor(root: string, reserved: Reserved, records: RecordFiles, durable: boolean) {
    this.#root = root;
    this.#reserved = reserved;
    this.#records = records;
    this.#durable = durable;
  }

  /**
   * Opens the file of a path and judges its content. Opens it again if another file has taken its place, as in a
   * takeover.
   *
   * @returns The open file, which the caller must close.
   * @throws Errors of `open` and of the operating system.
   */
  async at(file: string, open: () => Promise<OpenFile>): Promise<Judged> {
    for (let attempt = 1; ; attempt++) {
      const opened = await open();
      try {
        const stats = await opened.stat();
        const known = await this.of({ file, opened });
        if (attempt === ATTEMPTS || isAt(file, stats)) return { opened, stats, known };
      } catch (error) {
        await opened.close();
        throw error;
      }
      await opened.close();
    }
  }

  /**
   * Judges the record of a file, and creates it if it does not exist. If the file has lost its name, the result is a guess.
   *
   * @throws Errors of the operating system.
   */
  async of({ file, opened }: Found): Promise<Known> {
    for (let attempt = 1; ; attempt++) {
      const live = liveContents.get(file);
      if (live?.covers(fstatSync(opened.fd))) {
        return { generation: live.generation, ...(live.type && { type: live.type }) };
      }
      const record = await this.#read(relative(this.#root, file));
      const next = await this.#judge(record, { file, opened });
      if (next === record) return known(next);
      const stats = fstatSync(opened.fd);
      // A record of a file that has lost its name must not describe the file that has the name now.
      const written = isAt(file, stats) && this.#put(record, next, stats);
      if (written || attempt === ATTEMPTS) return known(written || next);
    }
  }

  /** The record that a file should have: `record` itself if nothing changes. */
  async #judge(record: StreamRecord | undefined, { file, opened }: Found): Promise<StreamRecord> {
    const live = liveContents.get(file);
    // A claim whose file was replaced can still prove what it had, unless a reader has recorded the change before.
    const isProofValid = live?.isOurs && (!record || record.generation === live.generation);
    const expected = isProofValid ? live?.proof() : record;
    // Read the size after the record: the file may have grown since it was opened.
    const { size } = fstatSync(opened.fd);
    const isSame = expected && isSameContent(expected, { size, digest: await tailDigest(opened, expected.size) });
    if (expected && isSame && !this.#mayAdvance(expected, file, size)) return record ?? expected;
    const tail = { size, digest: await tailDigest(opened, size) };
    if (!expected) return newRecord(relative(this.#root, file), tail);
    return isSame ? { ...expected, ...tail } : replacedRecord(expected, tail);
  }

  /** Removes the record of a file that does not exist any more, unless an append has begun to create it again. */
  forget(file: string): void {
    const name = relative(this.#root, file);
    this.#unwritten.delete(name);
    try {
      if (!this.#records.has(name) || this.#isClaimed(file)) return;
      if (!statSync(file, { throwIfNoEntry: false })) this.#records.removeNow(name);
    } catch {
      // A record that cannot be removed now will not match later content.
    }
  }

  /**
   * Whether bytes behind the recorded ones may be recorded. Not while an append may have begun, which records them
   * itself; and not at the level `disk`, where an intact record must not be put at risk.
   */
  #mayAdvance({ size: proven, appending }: StreamRecord, file: string, size: number): boolean {
    return !this.#durable && !appending && size > proven && !this.#isClaimed(file);
  }

  #isClaimed(file: string): boolean {
    return Claim.isClaimed(file) !== false || mayBeClaimed(this.#reserved, file);
  }

  async #read(name: string): Promise<StreamRecord | undefined> {
    const record = await this.#records.read(name).catch(() => undefined);
    return record ?? this.#unwritten.get(name);
  }

  /** Replaces the judged record, synchronously; undefined if there is another record by now. */
  #put(judged: StreamRecord | undefined, next: StreamRecord, stats: Stats): StreamRecord | undefined {
    const { file } = next;
    try {
      const there = this.#records.readNow(file);
      if (there) {
        if (!isEqual(there, judged)) return undefined;
        this.#records.writeNow(next);
      } else {
        if (!this.#records.createNow(next)) return undefined;
        // Not awaited: without this flush, the content gets another generation after a power cut, but no wrong byte.
        if (this.#durable) void this.#records.flush(file).catch(() => {});
      }
      this.#unwritten.delete(file);
      return next;
    } catch {
      // No record can be written, so the generation is derived from the file: a restart must not change it.
      return this.#remember(judged ? next : { ...next, generation: derived(file, stats) });
    }
  }

  #remember(record: StreamRecord): StreamRecord {
    this.#unwritten.delete(record.file);
    this.#unwritten.set(record.file, record);
    for (const oldest of this.#unwritten.keys()) {
      if (this.#unwritten.size <= MAX_UNWRITTEN) break;
      this.#unwritten.delete(oldest);
    }
    return record;
  }
}

function isAt(file: string, { ino, dev }: Stats): boolean {
  const there = statSync(file, { throwIfNoEntry: false });
  return there?.ino === ino && there.dev === dev;
}

/** A generation for a file whose record cannot be written. Neither appends nor restarts change it. */
function derived(name: string, { ino, birthtimeMs }: Stats): string {
  return keyOf(JSON.stringify([name, ino, Math.floor(birthtimeMs / 1000)])).slice(0, 16);
}

function isEqual(one: StreamRecord, other: StreamRecord | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function known(record: StreamRecord): Known {
  const { generation, type } = record;
  return { generation, ended: endedBy(record), ...(type === undefined ? {} : { type }) };
}
