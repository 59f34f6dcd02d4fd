/**
 * The log of a stream while this process has the claim of its file.
 * @module
 */

import { constants, writeSync } from "node:fs";
import { dirname } from "node:path";
import { changedState, type StreamChange, type StreamState } from "../../../engine/storage/stream-state.ts";
import { readAt } from "../files/transfer.ts";
import { makeFolder } from "../folders/folder.ts";
import { OpenedFile, type OpenFile } from "../folders/opened-file.ts";
import { flush } from "../reserved/fsync.ts";
import { judgeLog } from "./judge-log.ts";
import type { LogFiles } from "./log-files.ts";
import { digestOf, formatLine, isHeadOf, type LoggedStream, type NoteLine, noteOf } from "./log-lines.ts";

/** Lines after which the log is replaced by the state, when the claim ends. */
const MAX_LINES = 64;

/** The same while the claim lasts. */
const MAX_LIVE_LINES = 1_024;

/** Bytes of notes after which the log is replaced by the state. */
const MAX_NOTED_BYTES = 1024 * 1024;

/**
 * How much the numbers of notes grow at a takeover. A process that was silent may have notes in its journal that it did not
 * write to the log; they must not come later than those of the new owner.
 */
const TAKEOVER_STEP = 2 ** 20;

/** A file that has just been claimed and opened. */
export interface ClaimedFile {
  readonly files: LogFiles;
  /** The file, relative to the root. */
  readonly name: string;
  readonly opened: OpenFile;
  /** Whether it can be read. */
  readonly readable: boolean;
  /** Whether the claim has created it. */
  readonly isNew: boolean;
  /** Whether no other process has taken the file over. */
  readonly isOurs: () => boolean;
  /** Called when bytes were cut off, which a journal may still have. */
  readonly onCut: () => Promise<void>;
  /** Returns the generation on record, before the file is judged; undefined without a record. */
  readonly recorded: () => string | undefined;
}

/**
 * Undoes what a process that has died did not complete: a write that is there in part is cut off. Call it before the
 * size of the file counts.
 *
 * @returns What the log says, which {@link StreamLog.open} takes.
 * @throws Errors of the operating system.
 */
export async function recoverStream(claimed: ClaimedFile): Promise<LoggedStream | undefined> {
  const { files, name, opened, readable, isNew, isOurs, recorded, onCut } = claimed;
  // Most files have no log.
  if (!files.has(name) || !isOurs()) return undefined;
  const logged = await files.read(name);
  if (!logged) return undefined;
  // The log is about a file that was removed.
  if (isNew || logged.state?.deleted) {
    await files.remove(name);
    return undefined;
  }
  const { last } = logged;
  const { size } = await opened.stat();
  const isSame = logged.generation === recorded();
  if (isSame && judgeLog(logged, size, logged.generation).state?.incomplete) {
    await opened.truncate(0);
    await onCut();
    await files.remove(name);
    return undefined;
  }
  if (!last || !isSame || size >= last.to || size <= last.from || !readable) return logged;
  if (isHeadOf(last, await readAt(opened, last.from, size - last.from))) {
    await opened.truncate(last.from);
    if (files.durable) await opened.datasync();
    await onCut();
  }
  return logged;
}

/** Notes what each write changes, before its bytes are written. */
export class StreamLog {
  readonly #files: LogFiles;
  readonly #name: string;
  readonly #generation: string;
  readonly #isOurs: () => boolean;
  #state: StreamState | undefined;
  #pending: NoteLine | undefined;
  #number: number;
  #lines: number;
  /** Whether lines were written that may not be on the disk. */
  #isDirty = false;
  /** Bytes of the notes of this claim that are in the log. */
  #notedBytes = 0;
  #opened: OpenFile | undefined;
  /** The line of the pending note. */
  #line = "";
  /** Settles after all flushes so far. */
  #flushed: Promise<void> = Promise.resolve();

  private constructor(
    claimed: ClaimedFile,
    generation: string,
    state: StreamState | undefined,
    [number, lines] = [0, 0],
  ) {
    this.#files = claimed.files;
    this.#name = claimed.name;
    this.#generation = generation;
    this.#isOurs = claimed.isOurs;
    this.#state = state;
    this.#number = number;
    this.#lines = lines;
  }

  /**
   * Judges the log of a claimed file.
   *
   * @param logged What {@link recoverStream} returned.
   * @param generation The generation of the content.
   * @param isInherited Whether another process had the claim: it may still write to the log.
   * @throws Errors of the operating system.
   */
  static async open(
    claimed: ClaimedFile,
    logged: LoggedStream | undefined,
    generation: string,
    isInherited: boolean,
  ): Promise<StreamLog> {
    if (!logged) return new StreamLog(claimed, generation, undefined);
    const { files, name, opened, readable } = claimed;
    const { size } = await opened.stat();
    let { state } = judgeLog(logged, size, generation);
    const { last } = logged;
    if (last && state && readable && logged.generation === generation && size >= last.to) {
      const there = await readAt(opened, last.from, last.to - last.from);
      // These are not the bytes that were noted, so what else is noted may be wrong, too.
      if (digestOf(there) !== last.digest) state = { ...state, producers: {} };
    }
    const isUnchanged = state === logged.state && !last && logged.generation === generation;
    const number = logged.number + (isInherited ? TAKEOVER_STEP : 0);
    const log = new StreamLog(claimed, generation, state, [number, isUnchanged ? logged.lines.length : 1]);
    if (!state) await files.remove(name);
    else if (!isUnchanged || isInherited) await files.write({ file: name, generation, number, state }, claimed.isOurs);
    return log;
  }

  /** The state, after all that was stored. */
  get state(): StreamState | undefined {
    return this.#state;
  }

  /**
   * Prepares the note of a write.
   *
   * @returns The line that {@link write} writes.
   * @throws Errors of the operating system. Nothing may be written then.
   */
  async prepare(from: number, bytes: Uint8Array, change: StreamChange): Promise<string> {
    if (this.#lines > MAX_LIVE_LINES || this.#notedBytes > MAX_NOTED_BYTES) await this.#compact();
    this.#opened ??= await this.#open();
    this.#number++;
    const place = { file: this.#name, generation: this.#generation, number: this.#number };
    this.#pending = noteOf(place, from, bytes, change);
    this.#line = formatLine(this.#pending);
    return this.#line;
  }

  /**
   * Writes the note. Call it before the bytes, in the same turn, and once no other process can have taken the path over.
   *
   * @throws Errors of the operating system. Nothing may be written then.
   */
  write(): void {
    this.#write(this.#line);
  }

  /**
   * Flushes the log, if it was written to.
   *
   * @throws Errors of the operating system.
   */
  flush(): Promise<void> {
    const flushed = this.#flushed.then(async () => {
      if (!this.#isDirty) return;
      this.#isDirty = false;
      try {
        await (this.#opened ? this.#opened.datasync() : flush(this.#files.placeOf(this.#name)));
      } catch (error) {
        this.#isDirty = true;
        throw error;
      }
    });
    this.#flushed = flushed.catch(() => {});
    return flushed;
  }

  /** The write that was noted is stored. */
  stored(): void {
    if (this.#pending) this.#state = changedState(this.#state, this.#pending.change);
    this.#pending = undefined;
  }

  /** Nothing of the write that was noted is stored. */
  async takeBack(): Promise<void> {
    if (!this.#pending) return;
    const { number } = this.#pending;
    this.#pending = undefined;
    try {
      // Without this line, the note is void as long as its bytes are missing.
      this.#write(formatLine({ void: true, number }));
      if (this.#files.durable) await this.flush();
    } catch {
      // The next note at this offset replaces this one.
    }
  }

  /** Ends the log. */
  async close(): Promise<void> {
    if (this.#lines > MAX_LINES && this.#pending === undefined) await this.#compact();
    await this.#closeFile();
  }

  /** Replaces the log by the state. */
  async #compact(): Promise<void> {
    const state = this.#state;
    if (!state) return;
    await this.#closeFile();
    const place = { file: this.#name, generation: this.#generation, number: this.#number };
    await this.#files.write({ ...place, state }, this.#isOurs);
    this.#isDirty = false;
    this.#lines = 1;
    this.#notedBytes = 0;
  }

  async #closeFile(): Promise<void> {
    await this.#flushed;
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.close();
  }

  #write(line: string): void {
    if (!this.#opened) throw new Error("The log is not open.");
    const text = Buffer.from(line);
    this.#isDirty = true;
    writeAllSync(this.#opened.fd, text);
    this.#notedBytes += text.length;
    this.#lines++;
  }

  async #open(): Promise<OpenFile> {
    const place = this.#files.placeOf(this.#name);
    const isNew = !this.#files.has(this.#name);
    await makeFolder(dirname(place));
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0 } = constants;
    const opened = await OpenedFile.open(place, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    if (this.#files.durable && isNew) await flush(dirname(place));
    return opened;
  }
}

function writeAllSync(fd: number, bytes: Buffer): void {
  for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
}
