/**
 * The log of a stream while this process has the claim of its file.
 * @module
 */

import { constants, writeSync } from "node:fs";
import { type FileHandle as OpenFile, open } from "node:fs/promises";
import { dirname } from "node:path";
import { changedState, type StreamChange, type StreamState } from "../../../engine/storage/stream-state.ts";
import { readAt } from "../files/transfer.ts";
import { makeFolder } from "../folders/folder.ts";
import { flush } from "../reserved/fsync.ts";
import { judgeLog } from "./judge-log.ts";
import type { LogFiles } from "./log-files.ts";
import { digestOf, formatLine, isHeadOf, type LoggedStream, type LogLine, type NoteLine, noteOf } from "./log-lines.ts";

/** Lines after which the log is replaced by the state, when the claim ends. */
const MAX_LINES = 64;

/** The same while the claim lasts. */
const MAX_LIVE_LINES = 1_024;

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
  /** Returns the generation on record, before the file is judged; undefined if there is none. */
  readonly recorded: () => string | undefined;
}

/**
 * Takes back what a process that has died did not complete: a write that is there in part is cut off. Call it before the
 * size of the file counts.
 *
 * @returns What the log says, which {@link StreamLog.open} takes.
 * @throws Errors of the operating system.
 */
export async function recoverStream(claimed: ClaimedFile): Promise<LoggedStream | undefined> {
  const { files, name, opened, readable, isNew, recorded } = claimed;
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
    await files.remove(name);
    return undefined;
  }
  if (!last || !isSame || size >= last.to || size <= last.from || !readable) return logged;
  if (isHeadOf(last, await readAt(opened, last.from, size - last.from))) {
    await opened.truncate(last.from);
    if (files.durable) await opened.datasync();
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
  #lines: number;
  #opened: OpenFile | undefined;

  private constructor(claimed: ClaimedFile, generation: string, state: StreamState | undefined, lines: number) {
    this.#files = claimed.files;
    this.#name = claimed.name;
    this.#generation = generation;
    this.#isOurs = claimed.isOurs;
    this.#state = state;
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
    if (!logged) return new StreamLog(claimed, generation, undefined, 0);
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
    const log = new StreamLog(claimed, generation, state, isUnchanged ? logged.lines : 1);
    if (!state) await files.remove(name);
    else if (!isUnchanged || isInherited) await files.write({ file: name, generation, state }, claimed.isOurs);
    return log;
  }

  /** The state, after all that was stored. */
  get state(): StreamState | undefined {
    return this.#state;
  }

  /**
   * Notes a write, which follows. At the level `disk` the note is on the disk when this resolves.
   *
   * @throws Errors of the operating system. Nothing may be written then.
   */
  async note(from: number, bytes: Uint8Array, change: StreamChange): Promise<void> {
    if (this.#lines > MAX_LIVE_LINES) await this.#compact();
    const note = noteOf({ file: this.#name, generation: this.#generation }, from, bytes, change);
    await this.#write(note);
    this.#pending = note;
  }

  /** The write that was noted is stored. */
  stored(): void {
    if (this.#pending) this.#state = changedState(this.#state, this.#pending.change);
    this.#pending = undefined;
  }

  /** Nothing of the write that was noted is stored. */
  async takeBack(): Promise<void> {
    if (!this.#pending) return;
    this.#pending = undefined;
    // Without this line, the note is void as long as its bytes are missing.
    await this.#write({ void: true }).catch(() => {});
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
    await this.#files.write({ file: this.#name, generation: this.#generation, state }, this.#isOurs);
    this.#lines = 1;
  }

  async #closeFile(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.close();
  }

  async #write(line: LogLine): Promise<void> {
    const { durable } = this.#files;
    this.#opened ??= await this.#open();
    writeAllSync(this.#opened.fd, formatLine(line));
    this.#lines++;
    if (durable) await this.#opened.datasync();
  }

  async #open(): Promise<OpenFile> {
    const place = this.#files.placeOf(this.#name);
    await makeFolder(dirname(place));
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0 } = constants;
    const opened = await open(place, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
    if (this.#files.durable) await flush(dirname(place));
    return opened;
  }
}

function writeAllSync(fd: number, text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
}
