/**
 * Where followed bytes go.
 * @module
 */
import { type FileHandle, open } from "node:fs/promises";
import process from "node:process";
import { systemMessage } from "./complaint.ts";
import { calm, ReaderGone, write } from "./terminal.ts";

/** Takes bytes, in order. */
export interface Output {
  /** @throws {ReaderGone} when nobody reads standard output any more; an error with a sentence when a file can't be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Everything was written. */
  end(): Promise<void>;
}

/** Standard output, or the named file. */
export function outputTo(file: string | undefined): Output {
  return file === undefined ? standardOutput() : new FileOutput(file);
}

function standardOutput(): Output {
  calm(process.stdout);
  return {
    write: (bytes) =>
      write(process.stdout, bytes).catch((error: unknown) => {
        throw error instanceof ReaderGone ? error : unwritable("standard output", error);
      }),
    end: async () => {},
  };
}

/** Made only when there is something to write: a refusal must not cost what the file held before. */
class FileOutput implements Output {
  readonly #file: string;
  #handle: FileHandle | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      this.#handle ??= await open(this.#file, "w");
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
