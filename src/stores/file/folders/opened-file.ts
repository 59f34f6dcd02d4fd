/**
 * An open file. It costs a fraction of what Node's own object for open files does, and is opened and closed without a trip
 * through the thread pool where that is fast.
 * @module
 */
import {
  close,
  closeSync,
  fdatasync,
  fstat,
  fstatSync,
  fsync,
  ftruncate,
  open,
  openSync,
  read,
  readFile,
  type Stats,
  write,
} from "node:fs";
import { quickly } from "./quick-calls.ts";

/** An open file, as this one or as one of `node:fs/promises`. */
export interface OpenFile {
  /** Its descriptor. */
  readonly fd: number;
  /** Its stats. */
  stat(): Promise<Stats>;
  /** Reads into a part of a buffer, from a position in the file on. */
  read(into: Uint8Array, at: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  /** Writes a part of a buffer: at a position in the file, or where the last write has ended. */
  write(
    bytes: Uint8Array,
    at: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesWritten: number }>;
  /** Reads the whole file. */
  readFile(): Promise<Uint8Array>;
  /** Cuts the file. */
  truncate(size: number): Promise<void>;
  /** Flushes its bytes, and what is needed to find them. */
  datasync(): Promise<void>;
  /** Flushes everything. */
  sync(): Promise<void>;
  /** Closes it, once pending calls are done. */
  close(): Promise<void>;
}

/** A callback of `node:fs`. */
type Done<Result> = (error: NodeJS.ErrnoException | null | undefined, result: Result) => void;

/** A file that this module has opened. Its calls reject with errors of the operating system, as those of Node. */
export class OpenedFile implements OpenFile {
  #fd: number;
  #pending = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Opens a file. @throws Errors of the operating system. */
  static async open(file: string, flags: number, mode?: number): Promise<OpenedFile> {
    return new OpenedFile(await openFd(file, flags, mode));
  }

  get fd(): number {
    return this.#fd;
  }

  async stat(): Promise<Stats> {
    return await quickly(
      () => fstatSync(this.#checked()),
      () => this.#call<Stats>((fd, done) => fstat(fd, done)),
    );
  }

  read(into: Uint8Array, at: number, length: number, position: number): Promise<{ readonly bytesRead: number }> {
    return this.#call<{ readonly bytesRead: number }>((fd, done) => {
      read(fd, into, at, length, position, (error, bytesRead) => done(error, { bytesRead }));
    });
  }

  write(
    bytes: Uint8Array,
    at: number,
    length: number,
    position: number | null,
  ): Promise<{ readonly bytesWritten: number }> {
    return this.#call<{ readonly bytesWritten: number }>((fd, done) => {
      write(fd, bytes, at, length, position, (error, bytesWritten) => done(error, { bytesWritten }));
    });
  }

  readFile(): Promise<Uint8Array> {
    return this.#call<Uint8Array>((fd, done) => readFile(fd, done));
  }

  truncate(size: number): Promise<void> {
    return this.#call<void>((fd, done) => ftruncate(fd, size, (error) => done(error, undefined)));
  }

  datasync(): Promise<void> {
    return this.#call<void>((fd, done) => fdatasync(fd, (error) => done(error, undefined)));
  }

  sync(): Promise<void> {
    return this.#call<void>((fd, done) => fsync(fd, (error) => done(error, undefined)));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // The system may give the descriptor to the next file, which a pending call would then change.
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    const fd = this.#fd;
    this.#fd = -1;
    await closeFd(fd);
  }

  /** Makes a call through the thread pool. */
  #call<Result>(make: (fd: number, done: Done<Result>) => void): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const fd = this.#checked();
      this.#pending++;
      make(fd, (error, result) => {
        if (--this.#pending === 0) this.#idle?.();
        if (error) reject(error);
        else resolve(result);
      });
    });
  }

  /** The descriptor, unless it is closed or about to be. */
  #checked(): number {
    if (this.#closing) throw Object.assign(new Error("EBADF: the file is closed"), { code: "EBADF" });
    return this.#fd;
  }
}

/**
 * Opens a descriptor, which the caller must close.
 *
 * @throws Errors of the operating system.
 */
export function openFd(file: string, flags: number, mode?: number): number | Promise<number> {
  return quickly(
    () => openSync(file, flags, mode),
    () => called<number>((done) => open(file, flags, mode, done)),
  );
}

/** Closes a descriptor. @throws Errors of the operating system. */
export function closeFd(fd: number): void | Promise<void> {
  return quickly<void>(
    () => closeSync(fd),
    () => called<void>((done) => close(fd, (error) => done(error, undefined))),
  );
}

function called<Result>(make: (done: Done<Result>) => void): Promise<Result> {
  return new Promise<Result>((resolve, reject) => {
    make((error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
}
