/**
 * Where followed bytes go.
 * @module
 */
import { type FileHandle, open, stat } from "node:fs/promises";
import { systemMessage } from "./complaint.ts";
import { dataOutput, ReaderGone, write } from "./terminal.ts";

/** Takes bytes, in order. */
export interface Output {
  /** Bytes that it had before; nothing where that means nothing, as for a pipe. */
  readonly size: number | undefined;
  /** @throws {ReaderGone} when nobody reads standard output any more; an error with a sentence when a file can't be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Everything was written. */
  end(): Promise<void>;
}

/**
 * Standard output, or the named file, which is written to at its end.
 *
 * @throws an error with a sentence when the file can't be looked at.
 */
export async function outputTo(file: string | undefined): Promise<Output> {
  if (file === undefined) return standardOutput();
  const found = await stat(file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unwritable(file, error);
  });
  return new FileOutput(file, found && !found.isFile() ? undefined : (found?.size ?? 0));
}

function standardOutput(): Output {
  const stdout = dataOutput();
  return {
    size: undefined,
    write: (bytes) =>
      write(stdout, bytes).catch((error: unknown) => {
        throw error instanceof ReaderGone ? error : unwritable("standard output", error);
      }),
    end: async () => {},
  };
}

/** Made only when there is something to write: a refusal leaves nothing behind. */
class FileOutput implements Output {
  readonly size: number | undefined;
  readonly #file: string;
  #handle: FileHandle | undefined;

  constructor(file: string, size: number | undefined) {
    this.size = size;
    this.#file = file;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      this.#handle ??= await open(this.#file, "a");
      await this.#handle.appendFile(bytes);
    } catch (error) {
      throw unwritable(this.#file, error);
    }
  }

  async end(): Promise<void> {
    await this.write(new Uint8Array(0));
    await this.#handle?.close();
  }
}

function unwritable(what: string, cause: unknown): Error {
  return new Error(`Can't write to ${what}: ${systemMessage(cause) ?? String(cause)}.`, { cause });
}
