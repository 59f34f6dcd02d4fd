/**
 * The record of a path while this process appends to it.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EndReason } from "../../../protocol/end-reason.ts";
import { openToRead } from "../files/read.ts";
import type { RecordFiles } from "./record-files.ts";
import { isSameContent, newRecord, replacedRecord, type StreamRecord } from "./stream-record.ts";
import { tailDigest, tailDigestSync } from "./tail.ts";

/** Milliseconds of an append before its first checkpoint. Short appends have ended by then. */
const FIRST_CHECKPOINT_MS = 200;

/** Milliseconds between later checkpoints. */
const CHECKPOINT_MS = 2_000;

/** The parts of an {@link AppendRecord}. */
export interface AppendRecordParts {
  /** The store's root. */
  readonly root: string;
  readonly records: RecordFiles;
  /** The file, relative to the root. */
  readonly name: string;
  /** The file's descriptor, open for appending, and for reading where that is allowed. */
  readonly fd: number;
  /** Whether the descriptor can be read. */
  readonly readable: boolean;
  /** Bytes in the file. */
  readonly size: number;
  /** Whether the claim created the file. */
  readonly isNew: boolean;
  /** The record from before the claim created the file. It describes an earlier file that was removed. */
  readonly former: StreamRecord | undefined;
  /** Whether a record must be on the disk before what it describes is acknowledged. */
  readonly durable: boolean;
  /** The media type given by the appender. */
  readonly type: string | undefined;
  /** Whether no other process has taken the path over. */
  readonly isOurs: () => boolean;
}

/**
 * The content that one claim appends to. The start of an append is recorded before its first byte is written. If the
 * process dies during the append, later readers learn that the appender was lost, and the content keeps its generation.
 * The recorded size may lag behind the file; further bytes in the file count as appended.
 */
export class AppendRecord {
  readonly #parts: AppendRecordParts;
  /** The record on disk, as far as this process knows. */
  #record: StreamRecord;
  /** The record from before the append began. */
  readonly #before: StreamRecord;
  #begun: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #afterMs = FIRST_CHECKPOINT_MS;
  #isOver = false;

  private constructor(parts: AppendRecordParts, record: StreamRecord, before: StreamRecord) {
    this.#parts = parts;
    this.#record = record;
    this.#before = before;
    this.#begun = record.appending === true;
  }

  /**
   * Judges the record of a file that was just claimed. Creates one if it is missing, or if it describes another
   * content. At the level `disk` the new record is on the disk when this resolves: a client that has its generation may
   * come back with it.
   *
   * @throws Errors of the operating system.
   */
  static async open(parts: AppendRecordParts): Promise<AppendRecord> {
    for (;;) {
      const { records, name, isNew, former, type } = parts;
      const found = records.readNow(name);
      // A reader in another process may have recorded the new file already. Then its generation counts.
      const isStale = isNew && found?.generation === former?.generation;
      const known = isStale ? undefined : found;
      const typed = (record: StreamRecord): StreamRecord =>
        record.type === undefined && type !== undefined ? { ...record, type } : record;
      if (known && isSameContent(known, { size: parts.size, digest: digestAt(parts, known.size) })) {
        return new AppendRecord(parts, typed(known), known);
      }
      const tail = { size: parts.size, digest: digestAt(parts, parts.size) };
      const before = typed(known ? replacedRecord(known, tail) : newRecord(name, tail));
      const record: StreamRecord = { ...before, appending: true };
      if (found) records.writeNow(record);
      else if (!records.createNow(record)) continue;
      if (parts.durable) await records.flush(name);
      return new AppendRecord(parts, record, before);
    }
  }

  /** The generation of the content. */
  get generation(): string {
    return this.#record.generation;
  }

  /** The media type on record. */
  get type(): string | undefined {
    return this.#record.type;
  }

  /**
   * Records that an append has begun at an offset. Await the result before the first byte is written.
   *
   * @returns Undefined if there is nothing to wait for.
   * @throws Errors of the operating system. Nothing may be written then.
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
   * Schedules a checkpoint after a stored batch: a record of how far the append has come. If a file loses bytes while
   * no server runs, that is noticed up to the last checkpoint. Not needed at the level `disk`.
   *
   * @param reached Returns the current offset; undefined if another process has taken the path over.
   */
  progressed(reached: () => number | undefined): void {
    if (this.#parts.durable || this.#timer || this.#isOver) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#afterMs = CHECKPOINT_MS;
      try {
        const offset = reached();
        if (offset === undefined || this.#isDisowned()) return;
        void this.#write(this.proofAt(offset));
      } catch {
        // The record only lags further behind.
      }
    }, this.#afterMs);
    this.#timer.unref?.();
  }

  /**
   * Records how the append ended. After `restarting` the append continues, or it turns out to be lost.
   *
   * @throws Errors of the operating system. The record then says that the appender was lost.
   */
  async end(ended: EndReason, offset: number): Promise<void> {
    const { records, name } = this.#parts;
    this.stop();
    // A reader has recorded another content.
    if (this.#isDisowned()) return;
    const isOver = this.#record.ended === ended && this.#record.size === offset && !this.#record.appending;
    if (isOver && records.has(name)) return;
    const state =
      ended === "restarting" ? { appending: true as const, ended: undefined } : { appending: undefined, ended };
    await this.#write(this.#at(offset, state));
  }

  /** Ends the checkpoints. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** Removes the record of a file that was created for nothing and has been removed again. */
  forget(): void {
    const { root, records, name } = this.#parts;
    if (!existsSync(join(root, name)) && !this.#isDisowned()) records.removeNow(name);
  }

  /**
   * Restores the record from before the append, if nothing was appended.
   *
   * @throws Errors of the operating system.
   */
  async undo(): Promise<void> {
    if (this.#record.appending && !this.#before.appending && !this.#isDisowned()) await this.#write(this.#before);
  }

  /**
   * Records that the content is gone, or that another one stands at the path. A reader may have done so before.
   *
   * @param fate The fate of the content.
   * @throws Errors of the operating system.
   */
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

  /** A record of the bytes up to an offset, even if the file was replaced since. */
  proofAt(offset: number): StreamRecord {
    return this.#at(offset, {});
  }

  #at(size: number, state: Pick<StreamRecord, "appending" | "ended">): StreamRecord {
    // The record has the digest of its own size, and the file can be read as long as it could be then.
    const isKnown = this.#parts.readable && size === this.#record.size;
    const digest = isKnown ? this.#record.digest : digestAt(this.#parts, size);
    const { appending, ended, ...rest } = { ...this.#record, ...state };
    return { ...rest, size, digest, ...(appending && { appending }), ...(ended && { ended }) };
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

/** Empty if the file can be written but not read. */
function digestAt({ fd, readable }: AppendRecordParts, end: number): string {
  return readable ? tailDigestSync(fd, end) : "";
}
