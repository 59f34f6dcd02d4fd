/**
 * The input of `append`: standard input or a file.
 * @module
 */
import { type FileHandle, open } from "node:fs/promises";
import process from "node:process";
import type { Readable } from "node:stream";
import { systemMessage } from "../common/error-line.ts";
import type { Interrupts } from "../common/interrupts.ts";
import { checkInput } from "../common/standard-streams.ts";

/** A source of bytes. */
export interface Input {
  /** The name to display. */
  readonly name: string;
  /** Size in bytes; undefined if unknown. An input with a size can be read from any offset, and repeatedly. */
  readonly size?: number;
  /** Starts to read, at the byte `from` if the size is known; otherwise `from` is ignored. */
  read(from: number): Readable;
}

/**
 * Opens the named file, or standard input.
 *
 * @param file The file name; `-` or undefined for standard input.
 * @throws an error with an explanation if the file cannot be read.
 */
export async function openInput(file: string | undefined): Promise<Input> {
  if (file === undefined || file === "-") {
    checkInput();
    return { name: "standard input", read: () => process.stdin };
  }
  const { handle, size } = await openFile(file);
  if (size === undefined) return { name: file, read: () => handle.createReadStream() };
  return { name: file, size, read: (start) => handle.createReadStream({ start }) };
}

async function openFile(file: string): Promise<{ handle: FileHandle; size?: number }> {
  try {
    const handle = await open(file);
    const found = await handle.stat();
    if (found.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
    return found.isFile() ? { handle, size: found.size } : { handle };
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(name: string, cause: unknown): Error {
  const why = systemMessage(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return new Error(`Can't read ${name}: ${why}.`, { cause });
}

/**
 * Yields all bytes until the end or an interrupt, including those that were read ahead.
 *
 * @param name The name of the input for messages.
 * @throws an error with an explanation if the input cannot be read.
 */
export async function* untilInterrupted(
  input: Readable,
  name: string,
  interrupts: Interrupts,
): AsyncGenerator<Uint8Array, void> {
  const chunks: AsyncIterator<Uint8Array> = input[Symbol.asyncIterator]();
  while (!interrupts.received) {
    const next = await orAborted(chunks.next(), interrupts.signal).catch((error: unknown) => {
      throw unreadable(name, error);
    });
    if (!next || next.done) break;
    yield next.value;
  }
  for (let rest = input.read() as Uint8Array | null; rest; rest = input.read() as Uint8Array | null) yield rest;
}

/**
 * Resolves with the result of the promise, or with undefined if the signal aborts first. Repeated `Promise.race` calls
 * with one long-lived promise would retain all values raced against it.
 */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
