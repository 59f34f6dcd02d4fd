/**
 * What readers learn of a path's content: its name, its type, and how its last append ended.
 * @module
 */
import { existsSync, fstatSync, type Stats, statSync } from "node:fs";
import type { FileHandle as OpenFile } from "node:fs/promises";
import { relative } from "node:path";
import type { StoreStat } from "../../../engine/storage/store.ts";
import { Claim } from "../claims/claim.ts";
import { claimsFolder } from "../claims/entries.ts";
import { keyOf, type Reserved } from "../reserved/layout.ts";
import { liveContents } from "./live-contents.ts";
import type { Records } from "./records.ts";
import { endedBy, isSameContent, newRecord, replacedRecord, type StreamRecord } from "./stream-record.ts";
import { tailDigest } from "./tail.ts";

/** How often a record is judged again that has changed meanwhile. */
const ATTEMPTS = 8;

/** Records that are remembered in memory, where none can be written. */
const MOST_UNWRITTEN = 10_000;

/** A file that is open. */
export interface Found {
  /** Where it was when it was opened. */
  readonly file: string;
  readonly opened: OpenFile;
}

/** What is known of a content. */
export type Known = Pick<StoreStat, "generation" | "ended" | "type">;

/** A file that is open, what it was when it was opened, and what is known of its content. */
export interface Judged {
  readonly opened: OpenFile;
  readonly stats: Stats;
  readonly known: Known;
}

/** The contents of one root, as readers see them. */
export class Contents {
  readonly #root: string;
  readonly #reserved: Reserved;
  readonly #records: Records;
  readonly #durable: boolean;
  /** The root may be read-only, or full: names hold then for as long as the process. */
  readonly #unwritten = new Map<string, StreamRecord>();

  constructor(root: string, reserved: Reserved, records: Records, durable: boolean) {
    this.#root = root;
    this.#reserved = reserved;
    this.#records = records;
    this.#durable = durable;
  }

  /** What is known of a path. Opens its file again when another one has taken its place meanwhile, as a takeover does. */
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

  /** The record of a file, judged; made where there is none. Of a file that has lost its name the judgement is a guess. */
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
      // What is said of a file that has lost its name must not get on record of the one that has it now.
      const stands = isAt(file, stats) && this.#put(record, next, stats);
      if (stands || attempt === ATTEMPTS) return known(stands || next);
    }
  }

  /** What is to stand on record of a file: the very record, if there is nothing to change. */
  async #judge(record: StreamRecord | undefined, { file, opened }: Found): Promise<StreamRecord> {
    const live = liveContents.get(file);
    // A claim whose file was replaced can still prove what it had, unless that has been found out before.
    const isNews = live?.isOurs && (!record || record.generation === live.generation);
    const said = isNews ? live?.proof() : record;
    // Looked at after what is said of it: it may have grown since it was opened.
    const { size } = fstatSync(opened.fd);
    const isSame = said && isSameContent(said, { size, digest: await tailDigest(opened, said.size) });
    if (said && isSame && !this.#mayAdvance(said, file, size)) return record ?? said;
    const tail = { size, digest: await tailDigest(opened, size) };
    if (!said) return newRecord(relative(this.#root, file), tail);
    return isSame ? { ...said, ...tail } : replacedRecord(said, tail);
  }

  /** Forgets a file that is not there any more, unless an append has just begun to make it anew. */
  forget(file: string): void {
    const name = relative(this.#root, file);
    this.#unwritten.delete(name);
    try {
      if (!this.#records.has(name) || this.#isHeld(file)) return;
      if (!statSync(file, { throwIfNoEntry: false })) this.#records.removeNow(name);
    } catch {
      // What can't be forgotten now will not fit what comes.
    }
  }

  /**
   * Whether bytes that came behind the recorded ones may be put on record. Not while an append may have begun, whose own
   * word counts; and not at the level `disk`, where a record that is whole must not be put at risk.
   */
  #mayAdvance({ size: proven, appending }: StreamRecord, file: string, size: number): boolean {
    return !this.#durable && !appending && size > proven && !this.#isHeld(file);
  }

  #isHeld(file: string): boolean {
    return Claim.isHeld(file) || existsSync(claimsFolder(this.#reserved, file));
  }

  async #read(name: string): Promise<StreamRecord | undefined> {
    const record = await this.#records.read(name).catch(() => undefined);
    return record ?? this.#unwritten.get(name);
  }

  /** Puts a record in the place of the one that was judged, in one turn; nothing where that is another one by now. */
  #put(judged: StreamRecord | undefined, next: StreamRecord, stats: Stats): StreamRecord | undefined {
    const { file } = next;
    try {
      const there = this.#records.readNow(file);
      if (!there && !this.#records.createNow(next)) return undefined;
      // Nobody waits for it: without it the content gets another name after a power cut, and no wrong byte.
      if (!there && this.#durable) void this.#records.flush(file).catch(() => {});
      if (there && !isEqual(there, judged)) return undefined;
      if (there) this.#records.writeNow(next);
      this.#unwritten.delete(file);
      return next;
    } catch {
      // A restart must not change it: here the file itself has to tell.
      return this.#remember(judged ? next : { ...next, generation: derived(file, stats) });
    }
  }

  #remember(record: StreamRecord): StreamRecord {
    this.#unwritten.delete(record.file);
    this.#unwritten.set(record.file, record);
    for (const oldest of this.#unwritten.keys()) {
      if (this.#unwritten.size <= MOST_UNWRITTEN) break;
      this.#unwritten.delete(oldest);
    }
    return record;
  }
}

function isAt(file: string, { ino, dev }: Stats): boolean {
  const there = statSync(file, { throwIfNoEntry: false });
  return there?.ino === ino && there.dev === dev;
}

/** A name for the content of a file of which nothing can be put on record: growing does not change it, nor a restart. */
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
