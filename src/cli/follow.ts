/**
 * `httpfstream follow`: a URL to standard output.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type ErrorCode, type FollowOptions, type FollowState, follow, StreamError } from "../client/mod.ts";
import { DONE } from "./exit-codes.ts";
import { Interrupts } from "./interrupts.ts";
import { bareCommand, parseBytes, parseHeader, parseUrl, typed } from "./options.ts";
import { type Output, outputTo } from "./output.ts";
import { ReaderGone, say } from "./terminal.ts";

interface FollowFlags {
  readonly verbose?: true;
  readonly wait?: true;
  readonly tail?: number;
  readonly offset?: number | "now";
  readonly output?: string;
  readonly header: Record<string, string>;
  readonly transport: "websocket" | "http";
}

/** What waiting can help against. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["not_found", "unreachable", "restarting", "overloaded"]);

/** Milliseconds between two tries. */
const RETRY_MS = 500;

/** What to say of a state; nothing where the end of the command says it all. */
function sentence(state: FollowState, url: string): string | undefined {
  switch (state.state) {
    case "connecting":
      return `connecting to ${url}`;
    case "open":
      return `${state.live ? "following" : "nobody is appending; fetching what is stored at"} ${url}`;
    case "retrying":
      return `${state.error.message} Trying again in ${Math.ceil(state.delayMs / 1000)} s.`;
    default:
      return undefined;
  }
}

/**
 * The command.
 *
 * @param name What it is called by.
 * @param finish Takes its exit code.
 * @param patient Whether it waits by itself when it is verbose: the session that the original's readme shows begins
 * with `httpfstream-follow -v` of a path that nobody has appended to yet.
 */
export function followCommand(name: string, finish: (code: number) => void, patient = false): Command {
  const words = typed(name);
  return bareCommand(name)
    .description("Write what is stored at a URL to standard output, then what is appended, until the appender ends.")
    .argument("<url>", "what to follow; http, https, ws or wss", parseUrl)
    .option("-v, --verbose", "show on standard error what is going on")
    .addOption(
      new Option("--offset <n>", "begin at this byte, or with what comes: now")
        .argParser(parseOffset)
        .conflicts("tail"),
    )
    .addOption(new Option("--tail <n>", "begin with the last so many bytes").argParser(parseBytes))
    .option("--wait", "wait until the server is there and the path exists")
    .option("-o, --output <file>", "write to a file instead")
    .addOption(
      new Option("-H, --header <line>", 'header to send along, as "Name: value"; repeatable')
        .default({}, "none")
        .argParser(parseHeader),
    )
    .addOption(
      new Option("--transport <kind>", "http where WebSockets do not get through")
        .choices(["websocket", "http"])
        .default("websocket"),
    )
    .addHelpText(
      "after",
      `
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted.

Examples:
  $ ${words} http://localhost:8080/build/42.log
  $ ${words} --wait http://localhost:8080/build/43.log | grep -i error
  $ ${words} --tail 1000 http://localhost:8080/app.log`,
    )
    .action(async (url: string, flags: FollowFlags) => {
      const wait = flags.wait ?? (patient && flags.verbose ? true : undefined);
      finish(await run(url, wait ? { ...flags, wait } : flags));
    });
}

async function run(url: string, flags: FollowFlags): Promise<number> {
  const interrupts = new Interrupts();
  const tell = flags.verbose ? say : (): void => {};
  const output = outputTo(flags.output);
  try {
    const bytes = await followed(url, flags, output, interrupts.signal, tell);
    await output.end();
    tell(`done: ${bytes} bytes from ${url}`);
  } catch (error) {
    if (error instanceof ReaderGone) return DONE;
    if (!interrupts.received) throw error;
    tell("interrupted");
  }
  return interrupts.exitCode(DONE);
}

/** Follows to the end, trying again where that was asked for and nothing came yet. */
async function followed(
  url: string,
  flags: FollowFlags,
  output: Output,
  signal: AbortSignal,
  tell: (line: string) => void,
): Promise<number> {
  const { offset, tail, header: headers, transport } = flags;
  let waiting = false;
  const options: FollowOptions = {
    ...(offset !== undefined && { offset }),
    ...(tail !== undefined && { tail }),
    headers,
    transport,
    signal,
    onState: (state) => {
      const line = sentence(state, url);
      if (line !== undefined && !(waiting && state.state === "connecting")) tell(line);
    },
  };
  for (;;) {
    let bytes = 0;
    try {
      for await (const chunk of follow(url, options)) {
        bytes += chunk.length;
        await output.write(chunk);
      }
      return bytes;
    } catch (error) {
      const code = error instanceof StreamError ? error.code : "internal";
      if (!flags.wait || bytes > 0 || !PASSING.has(code)) throw error;
      if (!waiting) tell(`waiting: ${(error as StreamError).message}`);
      waiting = true;
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

function parseOffset(text: string): number | "now" {
  if (text === "now") return text;
  try {
    return parseBytes(text);
  } catch {
    throw new InvalidArgumentError('It must be a whole number of bytes, or "now".');
  }
}
