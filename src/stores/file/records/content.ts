/**
 * The record of a path while this process appends to it.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { openToRead } from "../files/read.ts";
import type { Records } from "./records.ts";
import { isSameContent, newRecord, replacedRecord, type StreamRecord } from "./stream-record.ts";
import { tailDigest, tailDigestSync } from "./tail.ts";

/** Milliseconds after which an append puts on record how far it has come: short ones have ended by then. */
const FIRST_CHECKPOINT_MS = 200;

/** Milliseconds between two such records. */
const CHECKPOINT_MS = 2_000;

/** What a {@link Content} is about. */
export interface ContentParts {
  /** The store's root. */
  readonly root: string;
  readonly records: Records;
  /** The file, relative to the root. */
  readonly name: string;
  /** It is open for appending, and for reading where that is allowed. */
  readonly fd: number;
  readonly readable: boolean;
  /** Bytes in the file. */
  readonly size: number;
  /** Whether the claim has made the file. */
  readonly isNew: boolean;
  /** What was on record before it made the file: that is about one that was removed. */
  readonly former: StreamRecord | undefined;
  /** Whether the record must be on the disk before what it speaks of is acknowledged. */
  readonly durable: boolean;
  /** The media type that the appender gives. */
  readonly type: string | undefined;
  /** Whether no other process has taken the path over. */
  readonly isOurs: () => boolean;
}

/**
 * The content that one claim appends to. That an append has begun is on record before its first byte is written: if the
 * process dies over it, later readers learn that the appender was lost, and the name of the content stays. How far it has
 * come may be behind the file; what the file has more counts as appended.
 */
export class Content {
  readonly #parts: ContentParts;
  /** What stands on disk, as far as this process knows. */
  #record: StreamRecord;
  /** What stood there before the append began. */
  readonly #before: StreamRecord;
  #begun: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #afterMs = FIRST_CHECKPOINT_MS;
  #isOver = false;

  private constructor(parts: ContentParts, record: StreamRecord, before: StreamRecord) {
    this.#parts = parts;
    this.#record = record;
    this.#before = before;
    this.#begun = record.appending === true;
  }

  /**
   * Judges the record of a file that was just claimed; makes one where there is none, or it is about another content.
   * At the level `disk` that one is on the disk when this resolves: whoever is told its name may come back with it.
   *
   * @throws errors of the operating system.
   */
  static async open(parts: ContentParts): Promise<Content> {
    for (;;) {
      const { records, name, isNew, former, type } = parts;
      const found = records.readNow(name);
      // A reader in another process may have been quicker, and have put the new file on record: then its name counts.
      const isStale = isNew && found?.generation === former?.generation;
      const known = isStale ? undefined : found;
      const typed = (record: StreamRecord): StreamRecord =>
        record.type === undefined && type !== undefined ? { ...record, type } : record;
      if (known && isSameContent(known, { size: parts.size, digest: digestAt(parts, known.size) })) {
        return new Content(parts, typed(known), known);
      }
      const tail = { size: parts.size, digest: digestAt(parts, parts.size) };
      const before = typed(known ? replacedRecord(known, tail) : newRecord(name, tail));
      const record: StreamRecord = { ...before, appending: true };
      if (found) records.writeNow(record);
      else if (!records.createNow(record)) continue;
      if (parts.durable) await records.flush(name);
      return new Content(parts, record, before);
    }
  }

  /** The name of the content. */
  get generation(): string {
    return this.#record.generation;
  }

  /** The media type on record. */
  get type(): string | undefined {
    return this.#record.type;
  }

  /**
   * Puts on record that an append has begun at an offset; to be awaited before the first byte is written.
   *
   * @throws errors of the operating system: nothing may be written then.
   */
  begin(offset: number): Promise<void> | undefined {
    if (this.#begun) return undefined;
    const done = this.#write(this.#at(offset, { appending: true, ended: undefined }));
    if (!done) this.#begun = true;
    return done?.then(() => {
      this.#begun = true;
    });
  }

  /**
   * A batch is stored: puts on record how far the append has come, now and then. What a file loses while no server runs
   * is noticed as far as that goes.
   *
   * @param reached The offset when it is asked for; nothing when another process has taken the path over.
   */
  progressed(reached: () => number | undefined): void {
    if (this.#parts.durable || this.#timer || this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#afterMs = CHECKPOINT_MS;
      try {
        const offset = reached();
        if (offset === undefined || this.#isDisowned()) return;
        void this.#write(this.#at(offset, { appending: true, ended: undefined }));
      } catch {
        // What is on record is only further behind.
      }
    }, this.#afterMs);
    this.#timer.unref?.();
  }

  /**
   * Puts on record how the append ended; after `restarting` it goes on, or it turns out to be lost.
   *
   * @throws errors of the operating system. The record then says that the appender was lost.
   */
  async end(ended: EndReason, offset: number): Promise<void> {
    const { records, name } = this.#parts;
    this.stop();
    // A reader has found out that the file is another one.
    if (this.#isDisowned()) return;
    const isOver = this.#record.ended === ended && this.#record.size === offset && !this.#record.appending;
    if (isOver && records.has(name)) return;
    const state =
      ended === "restarting" ? { appending: true as const, ended: undefined } : { appending: undefined, ended };
    await this.#write(this.#at(offset, state));
  }

  /** Nothing more is put on record by itself. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** Forgets a file that was made for nothing, and is not there any more. */
  forget(): void {
    const { root, records, name } = this.#parts;
    if (!existsSync(join(root, name)) && !this.#isDisowned()) records.removeNow(name);
  }

  /** Nothing was appended after all. */
  async undo(): Promise<void> {
    if (this.#record.appending && !this.#before.appending && !this.#isDisowned()) await this.#write(this.#before);
  }

  /** What stands at the path now, if anything, is another content. A reader may have found out before. */
  async replaced(fate: "deleted" | "replaced"): Promise<void> {
    const { root, records, name } = this.#parts;
    if (this.#isDisowned()) return;
    const opened = fate === "deleted" ? undefined : await openToRead(root, name).catch(() => undefined);
    if (!opened) return records.removeNow(name);
    try {
      const { size } = await opened.stat();
      const record = replacedRecord(this.#record, { size, digest: await tailDigest(opened, size) });
      records.writeNow({ ...record, ended: fate });
    } finally {
      await opened.close();
    }
  }

  #isDisowned(): boolean {
    const { records, name } = this.#parts;
    return (records.readNow(name) ?? this.#record).generation !== this.generation;
  }

  /** What this process can prove of the content, whatever has become of the file at its path. */
  proofAt(offset: number): StreamRecord {
    return this.#at(offset, {});
  }

  #at(size: number, state: Pick<StreamRecord, "appending" | "ended">): StreamRecord {
    return { ...this.#record, ...state, size, digest: digestAt(this.#parts, size) };
  }

  #write(record: StreamRecord): Promise<void> | undefined {
    const { records, durable, isOurs } = this.#parts;
    if (durable) {
      return records.writeDurably(record, isOurs).then(() => {
        this.#record = record;
      });
    }
    records.writeNow(record);
    this.#record = record;
    return undefined;
  }
}

/** Empty where the file can be written to and not read. */
function digestAt({ fd, readable }: ContentParts, end: number): string {
  return readable ? tailDigestSync(fd, end) : "";
}
