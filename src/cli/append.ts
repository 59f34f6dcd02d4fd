/**
 * `httpfstream append`: standard input or a file to a URL.
 * @module
 */
import { type FileHandle, open } from "node:fs/promises";
import process from "node:process";
import type { Readable } from "node:stream";
import { type Command, Option } from "commander";
import { append } from "../client/mod.ts";
import { systemMessage } from "./complaint.ts";
import { DONE } from "./exit-codes.ts";
import { Interrupts } from "./interrupts.ts";
import { bareCommand, parseHeader, parseUrl, typed } from "./options.ts";
import { type Progress, progressOf } from "./progress.ts";

interface AppendFlags {
  readonly verbose?: true;
  readonly header: Record<string, string>;
}

/** Where the bytes come from. */
interface Input {
  /** For people. */
  readonly name: string;
  readonly stream: Readable;
  /** Bytes in all, where that is known. */
  readonly size?: number;
}

/**
 * The command.
 *
 * @param name What it is called by.
 * @param finish Takes its exit code.
 */
export function appendCommand(name: string, finish: (code: number) => void): Command {
  const words = typed(name);
  return bareCommand(name)
    .description("Append standard input, or a file, to a URL. Whoever follows it sees every piece as it is read.")
    .argument("<url>", "where to append to; http, https, ws or wss", parseUrl)
    .argument("[file]", "what to append; - or nothing for standard input")
    .option("-v, --verbose", "show on standard error what is going on; on a terminal with a progress bar")
    .addOption(
      new Option("-H, --header <line>", 'header to send along, as "Name: value"; repeatable')
        .default({}, "none")
        .argParser(parseHeader),
    )
    .addHelpText(
      "after",
      `
Ctrl-C sends what was read and ends. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.

Examples:
  $ make 2>&1 | ${words} http://localhost:8080/build/42.log
  $ ${words} -v http://localhost:8080/images/disk.img disk.img
  $ ${words} http://localhost:8080/notes.txt          type lines; Ctrl-D ends`,
    )
    .action(async (url: string, file: string | undefined, flags: AppendFlags) => finish(await run(url, file, flags)));
}

async function run(url: string, file: string | undefined, { header, verbose }: AppendFlags): Promise<number> {
  const interrupts = new Interrupts();
  const input = await openInput(file);
  const progress = progressOf(verbose ?? false, input.size, input.stream === process.stdin && process.stdin.isTTY);
  progress.begin(`appending ${input.name} to ${url}`);
  try {
    const { bytes } = await append(url, counted(input.stream, interrupts.signal, progress), { headers: header });
    progress.end(`${interrupts.received ? "interrupted" : "done"}: appended ${bytes} bytes to ${url}`);
  } catch (error) {
    progress.end();
    throw error;
  }
  return interrupts.exitCode(DONE);
}

async function openInput(file: string | undefined): Promise<Input> {
  if (file === undefined || file === "-") return { name: "standard input", stream: process.stdin };
  const { handle, size } = await openFile(file);
  const stream = handle.createReadStream();
  return size === undefined ? { name: file, stream } : { name: file, stream, size };
}

async function openFile(file: string): Promise<{ handle: FileHandle; size?: number }> {
  try {
    const handle = await open(file);
    const found = await handle.stat();
    if (found.isDirectory()) throw Object.assign(new Error("it is a folder"), { code: "EISDIR" });
    return found.isFile() ? { handle, size: found.size } : { handle };
  } catch (error) {
    throw new Error(`Can't read ${file}: ${systemMessage(error) ?? String(error)}.`, { cause: error });
  }
}

/** Everything that is read until the end or an interruption. */
async function* counted(input: Readable, interrupted: AbortSignal, progress: Progress): AsyncGenerator<Uint8Array> {
  const stop = new Promise<void>((resolve) => {
    if (interrupted.aborted) resolve();
    interrupted.addEventListener("abort", () => resolve(), { once: true });
  });
  const chunks: AsyncIterator<Uint8Array> = input[Symbol.asyncIterator]();
  while (!interrupted.aborted) {
    const next = await Promise.race([chunks.next(), stop]);
    if (!next || next.done) break;
    progress.add(next.value.length);
    yield next.value;
  }
  // What was read ahead, while the network was slow.
  for (let rest = input.read() as Uint8Array | null; rest; rest = input.read() as Uint8Array | null) {
    progress.add(rest.length);
    yield rest;
  }
}
