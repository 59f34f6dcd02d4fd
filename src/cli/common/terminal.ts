/**
 * Standard output and standard error, byte for byte.
 * @module
 */
import { fstatSync, writeSync } from "node:fs";
import process from "node:process";
import type { Writable } from "node:stream";
import { inspect } from "node:util";
import { printable } from "../../support/printable.ts";
import { unwritable } from "./error-line.ts";
import { messagesOn, settleMessages } from "./messages.ts";

/** The descriptor of standard output. */
const STDOUT = 1;

/** Whether it is a file; undefined until that is needed. */
let isRedirected: boolean | undefined;

/** Whether data was written to standard output. The process waits for data at its end, but not for all messages. */
let hasData = false;

/** Whether standard output has refused data. After that, Deno does not answer further writes. */
let hasFailed = false;

/** Thrown when the reader of standard output is gone, such as `head` when it has read enough. */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";
}

/**
 * Writes bytes and waits until the stream has accepted them.
 *
 * @throws {BrokenPipe} if the reader is gone; otherwise the error of the stream.
 */
export async function write(stream: Writable, bytes: Uint8Array | string): Promise<void> {
  try {
    if (isFile()) return writeAll(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
    await new Promise<void>((resolve, reject) => {
      // Deno throws some errors instead of passing them on.
      stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  } catch (error) {
    hasFailed = true;
    throw isGone(error as Error) ? new BrokenPipe("the reader of this output has gone", { cause: error }) : error;
  }
}

/** Whether standard output is a file. Node's stream for one drops what a full disk has not taken of a write. */
function isFile(): boolean {
  isRedirected ??= fstatSync(STDOUT).isFile();
  return isRedirected;
}

function writeAll(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(STDOUT, bytes, at);
}

/** Prevents stream errors from crashing the process. */
function ignoreErrors(stream: Writable): void {
  stream.on("error", () => {
    // The callback of the write receives the error too.
  });
}

/**
 * Writes one line to standard error without blocking on its reader; see `messages.ts`. Escapes control characters,
 * because the line may quote a server.
 */
export function say(line: string): void {
  messagesOn(2).say(`${printable(line)}\n`);
}

/** Returns standard output for data. The caller waits for the reader. */
export function dataOutput(): Writable {
  if (!hasData) ignoreErrors(process.stdout);
  hasData = true;
  return process.stdout;
}

/** Settles when all text of {@link print} is written. */
let printing: Promise<void> = Promise.resolve();

/** Writes requested text, such as the help, to standard output. Never throws; {@link printed} reports errors. */
export function print(text: string): void {
  const stdout = dataOutput();
  const written = write(stdout, text);
  printing = Promise.all([printing, written]).then(() => {});
  printing.catch(() => {});
}

/**
 * Waits until all printed text is written.
 *
 * @throws an error with an explanation if writing failed, unless the reader is gone.
 */
export async function printed(): Promise<void> {
  await printing.catch((error: unknown) => {
    if (!(error instanceof BrokenPipe)) throw unwritable("standard output", error);
  });
}

/** Ends the process after all data and the deliverable messages are written. */
export async function exitWhenWritten(code: number): Promise<never> {
  // Some runtimes exit on their own when no work is left.
  process.exitCode = code;
  if (hasData && !hasFailed) await write(process.stdout, "").catch(() => {});
  await settleMessages();
  process.exit(code);
}

function isGone(error: Error): boolean {
  const { code } = error as { code?: string };
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED" || /\bEPIPE\b|broken pipe/i.test(inspect(error));
}
