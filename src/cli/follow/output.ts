/**
 * The destinations of followed bytes.
 * @module
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { unwritable } from "../common/error-line.ts";
import { checkOutput } from "../common/standard-streams.ts";
import { BrokenPipe, dataOutput, write } from "../common/terminal.ts";
import { keepNote, type NotedContent } from "./output-note.ts";

const { O_CREAT, O_WRONLY } = constants;

/** Accepts bytes in order. */
export interface Output {
  /** Size in bytes before the follow; undefined if it has no meaning, as for a pipe. */
  readonly size: number | undefined;
  /** Records which content the output is the beginning of, and where it ends there: before and after each write. */
  remember?(url: string, content: NotedContent): Promise<void>;
  /** Continues after the first `size` bytes. */
  rewind?(size: number): void;
  /**
   * Writes bytes.
   *
   * @throws {BrokenPipe} if the reader of standard output is gone; an error with an explanation if a file cannot be
   * written.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Finishes the output after all bytes are written. */
  end(): Promise<void>;
  /** Closes the output early. Never fails, because another error is being reported. */
  leave?(): Promise<void>;
}

/**
 * Opens standard output, or the named file for writing at its end.
 *
 * @throws an error with an explanation if the file is inaccessible.
 */
export async function outputTo(file: string | undefined): Promise<Output> {
  if (file === undefined) {
    checkOutput();
    return standardOutput();
  }
  const found = await statusOf(file);
  if (found?.isDirectory()) throw unwritable(file, Object.assign(new Error("it is a folder"), { code: "EISDIR" }));
  return new FileOutput(file, found && !found.isFile() ? undefined : (found?.size ?? 0));
}

/** Returns undefined if the file does not exist but its folder does. */
async function statusOf(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch (error) {
    if (!isMissing(error)) throw unwritable(file, error);
  }
  const folder = dirname(file);
  await stat(folder).catch((error: unknown) => {
    throw isMissing(error)
      ? new Error(`Can't write to ${file}: the folder ${folder} does not exist.`)
      : unwritable(file, error);
  });
  return undefined;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function standardOutput(): Output {
  const stdout = dataOutput();
  return {
    size: undefined,
    write: (bytes) =>
      write(stdout, bytes).catch((error: unknown) => {
        throw error instanceof BrokenPipe ? error : unwritable("standard output", error);
      }),
    end: async () => {},
  };
}

/**
 * The file is created at the first write, so that a refused follow leaves no file behind. Bytes of a regular file are
 * written at their offset in the resource, so two commands with the same file write the same bytes to the same places.
 */
class FileOutput implements Output {
  readonly size: number | undefined;
  readonly #file: string;
  #at: number;
  #content: (NotedContent & { readonly url: string }) | undefined;
  #handle: FileHandle | undefined;

  constructor(file: string, size: number | undefined) {
    this.size = size;
    this.#file = file;
    this.#at = size ?? 0;
  }

  async remember(url: string, { generation, position }: NotedContent): Promise<void> {
    if (this.size === undefined || (generation === undefined && position === undefined)) return;
    const isNoted = this.#content !== undefined && this.#content.generation === generation;
    this.#content = { url, generation, position };
    // With a note of its beginning, a follow that is killed continues there.
    if (!isNoted) await this.#note();
  }

  rewind(size: number): void {
    this.#at = size;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      this.#handle ??= await open(this.#file, this.size === undefined ? "a" : O_WRONLY | O_CREAT);
      if (this.size === undefined) await this.#handle.appendFile(bytes);
      else await this.#writeInPlace(this.#handle, bytes);
    } catch (error) {
      throw unwritable(this.#file, error);
    }
  }

  async #writeInPlace(handle: FileHandle, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, this.#at);
      at += bytesWritten;
      this.#at += bytesWritten;
    }
  }

  async end(): Promise<void> {
    await this.write(new Uint8Array(0));
    await this.#note();
    await this.#handle?.close();
  }

  async leave(): Promise<void> {
    // Best effort: without a note of the last bytes, the next run compares them with the server's.
    await this.#note().catch(() => {});
    await this.#handle?.close().catch(() => {});
  }

  async #note(): Promise<void> {
    if (!this.#content) return;
    const { url, ...content } = this.#content;
    await keepNote(this.#file, url, content, this.#at);
  }
}
