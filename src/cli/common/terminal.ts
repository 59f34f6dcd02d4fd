/**
 * Standard output and error, byte for byte and without surprises.
 * @module
 */
import process from "node:process";
import type { Writable } from "node:stream";
import { inspect } from "node:util";
import { printable } from "../../support/printable.ts";
import { unwritable } from "./complaint.ts";
import { messagesOn, settleMessages } from "./messages.ts";

/** Whether data was written to standard output, which the end of the process waits for, unlike messages. */
let hasData = false;

/** Thrown when whoever read our output has gone, as `head` does when it has enough. */
export class ReaderGone extends Error {
  override readonly name = "ReaderGone";
}

/**
 * Writes bytes and waits until they are taken.
 *
 * @throws {ReaderGone} when nobody reads any more.
 */
export function write(stream: Writable, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => {
      if (error) reject(isGone(error) ? new ReaderGone("nobody reads this output", { cause: error }) : error);
      else resolve();
    });
  });
}

/** Errors of a stream reach those who write to it; nobody else must fall over them. */
function ignoreErrors(stream: Writable): void {
  stream.on("error", () => {
    // The callback of the write has it too.
  });
}

/**
 * Says something on standard error, one line. Never waits for its reader; see `messages.ts`. What servers said is in it,
 * so it must not control the terminal.
 */
export function say(line: string): void {
  messagesOn(2).say(`${printable(line)}\n`);
}

/** Standard output, for data: whoever writes to it waits for its reader. */
export function dataOutput(): Writable {
  if (!hasData) ignoreErrors(process.stdout);
  hasData = true;
  return process.stdout;
}

/** What {@link print} has to write. */
let printing: Promise<void> = Promise.resolve();

/** Writes text that was asked for, as a help, to standard output. Never throws; {@link printed} tells whether it left. */
export function print(text: string): void {
  const stdout = dataOutput();
  const written = write(stdout, text);
  printing = Promise.all([printing, written]).then(() => {});
  printing.catch(() => {});
}

/**
 * Waits until everything that was printed has left.
 *
 * @throws an error with a sentence when it could not be written; not when its reader has had enough.
 */
export async function printed(): Promise<void> {
  await printing.catch((error: unknown) => {
    if (!(error instanceof ReaderGone)) throw unwritable("standard output", error);
  });
}

/** Ends the process, after all data has left, and messages as far as they are read. */
export async function leave(code: number): Promise<never> {
  // For a runtime that has nothing left to do and ends by itself meanwhile.
  process.exitCode = code;
  if (hasData) await write(process.stdout, "").catch(() => {});
  await settleMessages();
  process.exit(code);
}

function isGone(error: Error): boolean {
  const { code } = error as { code?: string };
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED" || /\bEPIPE\b|broken pipe/i.test(inspect(error));
}
