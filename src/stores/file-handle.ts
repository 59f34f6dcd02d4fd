/**
 * The right to append to one file.
 * @module
 */
import { constants, mkdirSync, type Stats, statSync } from "node:fs";
import { mkdir, type FileHandle as OpenFile, open } from "node:fs/promises";
import { dirname } from "node:path";
import { StreamError } from "../core/errors.ts";
import type { AppendHandle } from "../core/store.ts";
import { diskError, isMissing } from "./file-errors.ts";

/** Appends to a file, and notices when somebody else changes it. */
export class FileHandle implements AppendHandle {
  readonly epoch: number;
  readonly #file: string;
  readonly #path: string;
  readonly #opened: OpenFile;
  readonly #inode: number;
  readonly #device: number;
  readonly #onRelease: () => void;
  readonly #lost = new AbortController();
  #offset: number;
  #released = false;

  private constructor(
    opened: OpenFile,
    found: { ino: number; dev: number; size: number },
    names: { file: string; path: string },
    epoch: number,
    onRelease: () => void,
  ) {
    this.#opened = opened;
    this.#inode = found.ino;
    this.#device = found.dev;
    this.#offset = found.size;
    this.#file = names.file;
    this.#path = names.path;
    this.epoch = epoch;
    this.#onRelease = onRelease;
  }

  /**
   * Opens a file for appending, at its end.
   *
   * @throws {StreamError} `path_conflict` when it is no regular file; errors of the operating system as they are.
   */
  static async open(
    file: string,
    path: string,
    epoch: number,
    create: boolean,
    onRelease: () => void,
  ): Promise<FileHandle> {
    if (create) await makeFolder(dirname(file));
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
    const opened = await open(file, O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | (create ? O_CREAT : 0), 0o666);
    try {
      const found = await opened.stat();
      if (!found.isFile()) throw new StreamError("path_conflict", `"/${path}" is no regular file.`, { path });
      return new FileHandle(opened, found, { file, path }, epoch, onRelease);
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  get offset(): number {
    return this.#offset;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async append(batch: Uint8Array): Promise<number> {
    if (this.#released) {
      throw new StreamError("fenced", `The claim of "/${this.#path}" was given back.`, { path: this.#path });
    }
    // Checked before, so that nothing is written into a file that is not ours any more, and after, so that nothing
    // is published at an offset where it does not stand.
    this.#check();
    const start = this.#offset;
    try {
      for (let rest = batch; rest.length > 0; ) {
        const { bytesWritten } = await this.#opened.write(rest, 0, rest.length, null);
        this.#offset += bytesWritten;
        rest = rest.subarray(bytesWritten);
      }
    } catch (error) {
      await this.#countPart(start + batch.length);
      throw diskError(error, this.#path);
    }
    try {
      this.#check();
    } catch (error) {
      this.#offset = start;
      throw error;
    }
    return this.#offset;
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    try {
      await this.#opened.close();
    } finally {
      this.#onRelease();
    }
  }

  /** After a failed write: Deno does not tell how much of it was written before it failed; the file's size does. */
  async #countPart(most: number): Promise<void> {
    const size = await this.#opened.stat().then(
      (found) => found.size,
      () => this.#offset,
    );
    if (size > this.#offset && size <= most) this.#offset = size;
  }

  /** Synchronous, because it takes three microseconds and a trip through the thread pool takes forty. */
  #check(): void {
    const found = this.#found();
    const what = !found
      ? "removed"
      : found.ino !== this.#inode || found.dev !== this.#device
        ? "replaced"
        : found.size < this.#offset
          ? "truncated"
          : found.size > this.#offset
            ? "written to by somebody else"
            : undefined;
    if (what) {
      throw new StreamError("changed", `"/${this.#path}" was ${what} while it was appended to.`, { path: this.#path });
    }
  }

  #found(): Stats | undefined {
    try {
      return statSync(this.#file);
    } catch (error) {
      const failure = diskError(error, this.#path);
      if (["not_found", "path_conflict"].includes(failure.code)) return undefined;
      throw failure;
    }
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
    // Node says so whatever kept it from making a folder on the way. Asked like this, it tells the reason.
    mkdirSync(folder, { recursive: true });
  }
}
