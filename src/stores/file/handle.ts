/**
 * The right to append to one file.
 * @module
 */
import { constants, type Stats, statSync, writeSync } from "node:fs";
import type { FileHandle as OpenFile } from "node:fs/promises";
import { basename, dirname, relative } from "node:path";
import { StreamError } from "../../core/errors.ts";
import type { AppendHandle, EndReason } from "../../core/store.ts";
import type { Claim } from "./claim.ts";
import { diskError } from "./errors.ts";
import { holdFolder, holdOrMakeFolder, openIn } from "./held-folder.ts";
import { DiskFile } from "./journal/disk-file.ts";
import type { GroupCommit } from "./journal/group-commit.ts";
import { flushFolders } from "./reserved.ts";

/** Most bytes that are written without the thread pool, which costs more than to write this much into the system's memory. */
const QUICK_BYTES = 128 * 1024;

/** Milliseconds of a write that make the next ones go through the thread pool, and for how long. */
const SLOW_MS = 2;
const WARY_MS = 1_000;

/** What a {@link FileHandle} is made of. */
export interface HandleParts {
  /** The store's root. */
  readonly root: string;
  /** The real file. */
  readonly file: string;
  /** The resource path, for messages. */
  readonly path: string;
  readonly epoch: number;
  /** The claim of the file; released with the handle. */
  readonly claim: Claim;
  /** Brings every append to the disk first, where the disk must have it. */
  readonly commit: GroupCommit | undefined;
}

/** Appends to a file, and notices when somebody else changes it. */
export class FileHandle implements AppendHandle {
  readonly epoch: number;
  readonly #file: string;
  readonly #path: string;
  readonly #opened: OpenFile;
  readonly #inode: number;
  readonly #device: number;
  readonly #disk: DiskFile;
  readonly #claim: Claim;
  readonly #commit: GroupCommit | undefined;
  #offset: number;
  #slowUntilMs = 0;
  #released = false;

  private constructor(opened: OpenFile, found: Stats, { root, file, path, epoch, claim, commit }: HandleParts) {
    this.#opened = opened;
    this.#disk = new DiskFile(opened, relative(root, file), found);
    this.#inode = found.ino;
    this.#device = found.dev;
    this.#offset = found.size;
    this.#file = file;
    this.#path = path;
    this.#claim = claim;
    this.#commit = commit;
    this.epoch = epoch;
  }

  /**
   * Opens a claimed file for appending, at its end.
   *
   * @throws {StreamError} `path_conflict` when it is no regular file; errors of the operating system as they are.
   */
  static async open(parts: HandleParts, create: boolean): Promise<FileHandle> {
    const { path, commit } = parts;
    const opened = await openToAppend(parts, create);
    try {
      const found = await opened.stat();
      if (!found.isFile()) throw new StreamError("path_conflict", `"/${path}" is no regular file.`, { path });
      if (commit && create) await flushFolders(dirname(parts.file), parts.root);
      // Whoever is told this size takes it for stored, and the process that wrote it may not have lived to see that.
      if (commit && found.size > 0) await opened.datasync();
      return new FileHandle(opened, found, parts);
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  get offset(): number {
    return this.#offset;
  }

  get lost(): AbortSignal {
    this.#claim.isOurs();
    return this.#claim.lost;
  }

  get wanted(): AbortSignal {
    return this.#claim.wanted;
  }

  async append(batch: Uint8Array): Promise<number> {
    if (this.#released) {
      throw new StreamError("fenced", `The claim of "/${this.#path}" was given back.`, { path: this.#path });
    }
    const write = (): Promise<void> => this.#writeAndCheck(batch);
    try {
      if (!this.#commit) await write();
      else {
        this.#check();
        await this.#commit.store({ file: this.#disk, offset: this.#offset, bytes: batch, write });
      }
    } catch (error) {
      throw diskError(error, this.#path);
    }
    return this.#offset;
  }

  /**
   * Checks before, so that nothing is written into a file that is not ours any more, and after, so that nothing is
   * published at an offset where it does not stand.
   */
  async #writeAndCheck(batch: Uint8Array): Promise<void> {
    this.#check();
    const start = this.#offset;
    try {
      for (let rest = batch; rest.length > 0; ) {
        const written = this.#isQuick(rest) ? this.#writeNow(rest) : await this.#write(rest);
        this.#offset += written;
        rest = rest.subarray(written);
      }
    } catch (error) {
      await this.#countPart(start + batch.length);
      throw error;
    }
    try {
      this.#check();
    } catch (error) {
      this.#offset = start;
      throw error;
    }
  }

  /** Whether to write in this very turn: a little into memory of the system is done before the thread pool has begun. */
  #isQuick(bytes: Uint8Array): boolean {
    return bytes.length <= QUICK_BYTES && performance.now() >= this.#slowUntilMs;
  }

  #writeNow(bytes: Uint8Array): number {
    const beganMs = performance.now();
    const written = writeSync(this.#opened.fd, bytes, 0, bytes.length, null);
    const endedMs = performance.now();
    // The system makes writers wait when it has too much to bring to the disk. Nobody else must wait with this one.
    if (endedMs - beganMs > SLOW_MS) this.#slowUntilMs = endedMs + WARY_MS;
    return written;
  }

  async #write(bytes: Uint8Array): Promise<number> {
    const { bytesWritten } = await this.#opened.write(bytes, 0, bytes.length, null);
    return bytesWritten;
  }

  async verify(): Promise<void> {
    if (!this.#released) this.#check();
  }

  async announce(ended: EndReason): Promise<void> {
    await this.#claim.announce(ended);
  }

  async release(ended?: EndReason): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    try {
      // What can't be flushed now is in the journal still.
      await this.#commit?.settle(this.#disk).catch(() => {});
      await this.#disk.close();
    } finally {
      await this.#claim.release(ended);
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
    if (!this.#claim.isOurs()) {
      throw new StreamError("fenced", `Another server process has taken "/${this.#path}" over.`, { path: this.#path });
    }
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

/** Opens the very file that is claimed, wherever the folders above it have gone meanwhile. */
async function openToAppend({ root, file, path }: HandleParts, create: boolean): Promise<OpenFile> {
  const { O_WRONLY, O_APPEND, O_CREAT } = constants;
  const folder = await (create ? holdOrMakeFolder : holdFolder)(root, dirname(file));
  try {
    if (folder.real !== dirname(file)) {
      throw new StreamError("bad_path", `"/${path}" is refused: a folder above it was moved meanwhile.`, { path });
    }
    return await openIn(folder, basename(file), O_WRONLY | O_APPEND | (create ? O_CREAT : 0), 0o666);
  } finally {
    folder.release();
  }
}
