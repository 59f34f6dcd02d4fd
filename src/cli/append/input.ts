/**
 * What `append` reads: standard input, or a file.
 * @module
 */
import { type FileHandle, open } from "node:fs/promises";
import process from "node:process";
import type { Readable } from "node:stream";
import { systemMessage } from "../common/complaint.ts";
import type { Interrupts } from "../common/interrupts.ts";
import { checkInput } from "../common/standard-streams.ts";

/** Where the bytes come from. */
export interface Input {
  /** For people. */
  readonly name: string;
  /** Bytes in all, where that is known: then it can be read from anywhere, and more than once. */
  readonly size?: number;
  /** Begins to read, at a byte where the size is known. */
  read(from: number): Readable;
}

/**
 * The named file, or standard input.
 *
 * @param file Its name; `-` or nothing for standard input.
 * @throws an error with a sentence when the file can't be read.
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
 * Everything that is read until the end or an interruption, also what was read ahead while the network was slow.
 *
 * @param name What is read, for people.
 * @throws an error with a sentence when it can't be read.
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
 * What a promise resolves with, or nothing if the signal comes first. `Promise.race` with one promise again and again
 * would keep everything that it was raced with for as long as that one lives.
 */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const abort = (): void => resolve(undefined);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
