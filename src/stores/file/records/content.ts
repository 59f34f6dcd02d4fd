/**
 * The record of a path while this process appends to it.
 * @module
 */
import type { EndReason } from "../../../core/store.ts";
import { openToRead } from "../read.ts";
import type { Records } from "./records.ts";
import { isSameContent, newRecord, replacedRecord, type StreamRecord } from "./stream-record.ts";
import { tailDigest, tailDigestSync } from "./tail.ts";

/** Milliseconds after which a long append puts on record again how far it has come. */
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
  /** Whether the claim has made the file: whatever is on record is about one that was removed. */
  readonly isNew: boolean;
  /** Whether the record must be on the disk before what it speaks of is acknowledged. */
  readonly durable: boolean;
  /** The media type that the appender gives. */
  readonly type: string | undefined;
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
  #writtenMs = performance.now();

  private constructor(parts: ContentParts, record: StreamRecord, before: StreamRecord) {
    this.#parts = parts;
    this.#record = record;
    this.#before = before;
    // At the level `disk` the first append flushes it, whoever has begun it.
    this.#begun = record.appending === true && !parts.durable;
  }

  /**
   * Judges the record of a file that was just claimed; makes one where there is none, or it is about another content.
   *
   * @throws errors of the operating system.
   */
  static open(parts: ContentParts): Content {
    for (;;) {
      const { records, name, isNew, type } = parts;
      const known = records.readNow(name);
      const typed = (record: StreamRecord): StreamRecord =>
        record.type === undefined && type !== undefined ? { ...record, type } : record;
      if (known && !isNew && isSameContent(known, { size: parts.size, digest: digestAt(parts, known.size) })) {
        return new Content(parts, typed(known), known);
      }
      const tail = { size: parts.size, digest: digestAt(parts, parts.size) };
      const before = typed(known && !isNew ? replacedRecord(known, tail) : newRecord(name, tail));
      const record: StreamRecord = parts.durable ? before : { ...before, appending: true };
      if (known) records.writeNow(record);
      // A reader in another process may have been quicker: its name counts.
      else if (!records.createNow(record)) continue;
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

  /** Puts on record how far a long append has come, now and then. */
  checkpoint(offset: number): void {
    if (this.#parts.durable || performance.now() - this.#writtenMs < CHECKPOINT_MS) return;
    try {
      void this.#write(this.#at(offset, { appending: true, ended: undefined }));
    } catch {
      // What is on record is only further behind.
      this.#writtenMs = performance.now();
    }
  }

  /**
   * Puts on record how the append ended; after `restarting` it goes on, or it turns out to be lost.
   *
   * @throws errors of the operating system. The record then says that the appender was lost.
   */
  async end(ended: EndReason, offset: number): Promise<void> {
    const { records, name } = this.#parts;
    // A reader has found out that the file is another one.
    if (this.#isDisowned()) return;
    const isOver = this.#record.ended === ended && this.#record.size === offset && !this.#record.appending;
    if (isOver && records.has(name)) return;
    const state =
      ended === "restarting" ? { appending: true as const, ended: undefined } : { appending: undefined, ended };
    await this.#write(this.#at(offset, state));
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
    const { records, durable } = this.#parts;
    this.#writtenMs = performance.now();
    if (durable) {
      return records.writeDurably(record).then(() => {
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
