/**
 * The logs of a root's streams as files.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { StreamState } from "../../../engine/storage/stream-state.ts";
import { namesIn } from "../folders/folder.ts";
import { entryIn } from "../folders/names.ts";
import { removeFileNow, writeTextAtomic } from "../reserved/atomic-write.ts";
import { flush } from "../reserved/fsync.ts";
import { keyOf, type Reserved } from "../reserved/layout.ts";
import { openSmallFile, UNUSABLE } from "../reserved/small-file.ts";
import { type BaseLine, formatLine, type LoggedStream, parseLine, parseLog } from "./log-lines.ts";

/** Maximum bytes that a log may have. */
const MAX_BYTES = 64 * 1024 * 1024;

const SUFFIX = ".log";

/** Reads and writes logs. */
export class LogFiles {
  readonly #reserved: Reserved;
  /** Whether what is written must survive a power cut. */
  readonly durable: boolean;

  constructor(reserved: Reserved, durable: boolean) {
    this.#reserved = reserved;
    this.durable = durable;
  }

  /** Where the log of a file is. */
  placeOf(name: string): string {
    return entryIn(this.#reserved.durable, `${keyOf(name)}${SUFFIX}`);
  }

  /** Where the last use of a stream is noted. */
  useOf(name: string): string {
    return join(this.#reserved.durable, `${keyOf(name)}.use`);
  }

  /** Where the tombstone is noted that a removal is to leave. */
  announcedOf(name: string): string {
    return join(this.#reserved.durable, `${keyOf(name)}.tombstone`);
  }

  /** Whether a tombstone of a file was announced. */
  hasAnnounced(name: string): boolean {
    return existsSync(this.announcedOf(name));
  }

  /**
   * The tombstone of a file that was announced. It counts only if there is no file.
   *
   * @throws Errors of the operating system.
   */
  async announced(name: string): Promise<StreamState | undefined> {
    if (!this.hasAnnounced(name)) return undefined;
    const text = await textOf(this.announcedOf(name));
    const state = text === undefined ? undefined : parseLog(text, name)?.state;
    return state?.deleted ? state : undefined;
  }

  /**
   * Announces the tombstone of a file, or with undefined, withdraws it.
   *
   * @throws Errors of the operating system.
   */
  async announce(name: string, state: StreamState | undefined): Promise<void> {
    const place = this.announcedOf(name);
    if (state === undefined) return removeFileNow(place);
    const text = formatLine({ file: name, generation: "", number: 0, state });
    await writeTextAtomic(this.#reserved, place, { text, durable: this.durable });
  }

  /** Whether there is a log of a file. */
  has(name: string): boolean {
    return existsSync(this.placeOf(name));
  }

  /**
   * The log of a file; undefined if it does not exist, or is damaged.
   *
   * @throws Errors of the operating system.
   */
  async read(name: string): Promise<LoggedStream | undefined> {
    // Most files have no log.
    if (!this.has(name)) return undefined;
    const text = await textOf(this.placeOf(name));
    return text === undefined ? undefined : parseLog(text, name);
  }

  /**
   * Replaces the log of a file by a state. Notes that another process still appends to the former log are lost.
   *
   * @param mayWrite Called in the turn in which the log changes. If it returns false, nothing changes. Default: it changes.
   * @throws Errors of the operating system.
   */
  async write(base: BaseLine, mayWrite?: () => boolean): Promise<void> {
    const text = formatLine(base);
    await writeTextAtomic(this.#reserved, this.placeOf(base.file), { text, durable: this.durable, mayWrite });
  }

  /**
   * Adds notes from a journal to the log of a file, unless it has them, and flushes the log: after a power cut, the end of
   * a log is whatever the system has written by then.
   *
   * @param notes Lines, in their order. Of two with the same number, the later one counts.
   * @throws Errors of the operating system.
   */
  async restore(name: string, notes: readonly string[]): Promise<void> {
    const place = this.placeOf(name);
    const text = await textOf(place);
    const { number: last = 0, lines = [] } = parseLog(text ?? "", name) ?? {};
    const missing = new Map<number, string>();
    for (const note of notes) {
      const { number = 0 } = parseLine(note.trimEnd()) ?? {};
      if (number > last) missing.set(number, note);
    }
    if (missing.size > 0) {
      const known = lines.map((line) => `${line}\n`);
      // Another process may have restored it as well, and be using it already.
      const mayWrite = (): boolean => textNow(place) === text;
      const all = [...known, ...missing.values()].join("");
      await writeTextAtomic(this.#reserved, place, { text: all, durable: true, mayWrite });
    } else if (text !== undefined) await flush(place);
  }

  /**
   * Removes the log of a file, if there is one.
   *
   * @throws Errors of the operating system.
   */
  async remove(name: string): Promise<void> {
    if (!this.has(name)) return;
    removeFileNow(this.placeOf(name));
    removeFileNow(this.useOf(name));
    if (this.durable) await flush(this.#reserved.durable).catch(() => {});
  }

  /**
   * The files that have a log.
   *
   * @throws Errors of the operating system.
   */
  async list(): Promise<string[]> {
    const files: string[] = [];
    for (const key of await namesIn(this.#reserved.durable)) {
      if (!key.endsWith(SUFFIX)) continue;
      const text = await textOf(join(this.#reserved.durable, key)).catch(() => undefined);
      const name = text === undefined ? undefined : fileIn(text);
      if (name !== undefined && key === `${keyOf(name)}${SUFFIX}`) files.push(name);
    }
    return files;
  }
}

async function textOf(place: string): Promise<string | undefined> {
  const opened = await openSmallFile(place, MAX_BYTES);
  if (opened === UNUSABLE || opened === undefined) return undefined;
  try {
    return await opened.readFile("utf8");
  } finally {
    await opened.close();
  }
}

function textNow(place: string): string | undefined {
  return existsSync(place) ? readFileSync(place, "utf8") : undefined;
}

/** The file that the first line of a log is about. */
function fileIn(text: string): string | undefined {
  try {
    const { file } = JSON.parse(text.slice(text.indexOf(" ") + 1).split("\n", 1)[0] ?? "") as Partial<BaseLine>;
    return typeof file === "string" ? file : undefined;
  } catch {
    return undefined;
  }
}
