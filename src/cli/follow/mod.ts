/**
 * `httpfstream follow`: writes a URL to standard output.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  type ErrorCode,
  type FollowEnd,
  type FollowOptions,
  type FollowStream,
  follow,
  StreamError,
} from "../../client/mod.ts";
import { gaveUp, inBytes, withWaitHint } from "../access/gave-up.ts";
import { followStateText, outageText } from "../access/states.ts";
import { accessOf, type TokenFlags, tokenOption } from "../access/token-option.ts";
import { sentence } from "../common/error-line.ts";
import { DONE } from "../common/exit-codes.ts";
import { Interrupts } from "../common/interrupts.ts";
import {
  bareCommand,
  commandLine,
  headerOption,
  parseBytes,
  parseFileName,
  protocolOption,
  queryOption,
  retryOption,
} from "../common/options.ts";
import { parseUrlOf, shownUrl, withQuery } from "../common/resource-url.ts";
import { BrokenPipe, say } from "../common/terminal.ts";
import { Beginning } from "./beginning.ts";
import { otherContent } from "./continuation.ts";
import { type Output, outputTo } from "./output.ts";
import { waitMs } from "./wait.ts";

interface FollowFlags extends TokenFlags {
  readonly verbose?: true;
  readonly wait?: true;
  readonly stay?: true;
  readonly tail?: number;
  readonly offset?: number | "now";
  readonly position?: string;
  readonly protocol?: "durable-streams";
  readonly output?: string;
  /** URL-encoded. */
  readonly query: string;
  /** In seconds. */
  readonly retryFor: number;
  readonly transport: "websocket" | "http";
}

/** The position of the first byte on a Durable Streams server. */
const FIRST_POSITION = "0@-1";

/** The errors that `--wait` waits for. */
const TEMPORARY: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["not_found", "unreachable", "restarting", "unavailable", "overloaded"] as const),
]);

/**
 * Creates the command.
 *
 * @param name The name in its help and messages.
 * @param finish Receives the exit code.
 * @param waitIfVerbose Whether `--verbose` implies `--wait`. The session in the original's readme starts with
 * `httpfstream-follow -v` on a path that does not exist yet. Default false.
 */
export function followCommand(name: string, finish: (code: number) => void, waitIfVerbose = false): Command {
  const words = commandLine(name);
  return bareCommand(name)
    .description("Write the stored bytes of a URL to standard output, then the live ones, until the appender ends.")
    .argument("<url>", "URL to follow; http, https, ws or wss", parseUrlOf("follow"))
    .option("-v, --verbose", "report status changes on standard error, one per line")
    .addOption(
      new Option("--offset <n>", 'start at this byte; "now" skips what is stored')
        .argParser(parseOffset)
        .conflicts("tail"),
    )
    .addOption(new Option("--tail <n>", "start with the last N bytes").argParser(parseBytes))
    .addOption(
      new Option(
        "--position <p>",
        "start at this position, which an earlier follow of a Durable Streams server has reported",
      ).conflicts(["offset", "tail"]),
    )
    .option("--wait", "wait until the server answers and the path exists")
    .option("--stay", "continue with the next append, as tail -F does; the path need not exist")
    .addOption(
      new Option("-o, --output <file>", "write to a file, and continue where that ends")
        .argParser(parseFileName)
        .conflicts(["offset", "tail", "position"]),
    )
    .addOption(protocolOption())
    .addOption(retryOption())
    .addOption(tokenOption())
    .addOption(headerOption())
    .addOption(queryOption())
    .addOption(
      new Option("--transport <kind>", "http skips WebSockets; otherwise blocking is detected automatically")
        .choices(["websocket", "http"])
        .default("websocket"),
    )
    .addHelpText(
      "after",
      `
When the connection breaks, follow reconnects and resumes at exactly the byte where it was interrupted.
With --output, it resumes even after this command was killed: run it again, and it fetches what the file lacks. It
refuses a file that does not have the beginning of the content, which it checks with the note .FILE.httpfstream.
A stream of a Durable Streams server is followed until it is closed; of a stream of JSON, it writes one message per line.

With --stay, it ends only if the path is deleted or replaced, if it is refused, if it can't reconnect for --retry-for (1 each),
or when it is interrupted.

Exit codes: 0 done, 1 refused or failed, or the append was not completed, 2 usage error, 130 interrupted (129 by SIGHUP, 143 by
SIGTERM).

Examples:
  $ ${words} http://localhost:8080/build/42.log
  $ ${words} --wait http://localhost:8080/build/43.log | grep -i error
  $ ${words} --stay --tail 1000 http://localhost:8080/app.log
  $ ${words} --output disk.img http://localhost:8080/images/disk.img`,
    )
    .action(async (given: string, flags: FollowFlags) => {
      const url = withQuery(given, flags.query);
      const wait = flags.wait ?? (waitIfVerbose && flags.verbose ? true : undefined);
      finish(await run(url, wait ? { ...flags, wait } : flags));
    });
}

async function run(url: string, flags: FollowFlags): Promise<number> {
  const interrupts = new Interrupts();
  const tell = flags.verbose ? say : (): void => {};
  const output = await outputTo(flags.output);
  try {
    const { bytes, end } = await followed(url, flags, output, interrupts.signal, tell);
    await output.end();
    expectWhole(end, shownUrl(url));
    tell(`done: ${bytes} bytes from ${shownUrl(url)}`);
  } catch (error) {
    await output.leave?.();
    if (error instanceof BrokenPipe) return DONE;
    if (!interrupts.received) throw explained(error, shownUrl(url), flags, output);
    tell("interrupted");
  }
  return interrupts.exitCode(DONE);
}

/** Follows to the end. With `--wait`, it retries until the first byte has arrived. */
async function followed(
  url: string,
  flags: FollowFlags,
  output: Output,
  signal: AbortSignal,
  tell: (line: string) => void,
): Promise<{ bytes: number; end: FollowEnd }> {
  const { header: headers } = flags;
  const access = await accessOf(url, flags);
  const beginning = new Beginning({ url, headers, token: access.token, signal }, flags, output);
  const stateText = flags.verbose ? followStateText(shownUrl(url)) : outageText(shownUrl(url), flags.retryFor * 1000);
  let waiting = false;
  const options: FollowOptions = {
    retryForMs: flags.retryFor * 1000,
    headers,
    ...access,
    ...spokenBy(flags),
    stay: flags.stay ?? false,
    signal,
    onState: (state) => {
      const line = stateText(state);
      if (line !== undefined && !(waiting && state.state === "connecting")) say(line);
    },
  };
  for (let tries = 1; ; tries++) {
    let bytes = 0;
    let stream: FollowStream | undefined;
    try {
      const start = await beginning.start();
      stream = follow(url, { ...options, ...start });
      for await (const count of written(url, stream, output, start.position)) {
        waiting = false;
        bytes += count;
      }
      return { bytes, end: await stream.ended };
    } catch (error) {
      const code = error instanceof StreamError ? error.code : "internal";
      if (bytes > 0) throw gaveUp(error, flags.retryFor, writtenWords(bytes, stream, flags));
      if (!flags.wait || !TEMPORARY.has(code)) throw unwaited(error, flags);
      beginning.missed(code);
      if (!waiting) tell(`waiting: ${sentence((error as StreamError).message)}`);
      waiting = true;
      await sleep(waitMs(tries), undefined, { signal });
    }
  }
}

function unwaited(error: unknown, { wait }: FollowFlags): unknown {
  return wait ? error : withWaitHint(error, TEMPORARY);
}

function spokenBy({ transport, protocol }: FollowFlags): Pick<FollowOptions, "transport" | "protocol"> {
  return { transport, ...(protocol !== undefined && { protocol }) };
}

/** Writes a stream to its output. Yields the length of each piece before it is written. */
async function* written(
  url: string,
  stream: FollowStream,
  output: Output,
  first: string = FIRST_POSITION,
): AsyncGenerator<number, void> {
  let before: string | undefined = first;
  for await (const chunk of stream) {
    yield chunk.length;
    const { generation, position } = stream;
    await output.remember?.(url, { generation, position: position && before });
    await output.write(chunk);
    await output.remember?.(url, { generation, position });
    before = position;
  }
  const { generation, position } = stream;
  await output.remember?.(url, { generation, position });
}

/** Describes how many bytes were written and how to continue. */
function writtenWords(bytes: number, stream: FollowStream | undefined, { output }: FollowFlags): string {
  const { offset, position } = stream ?? {};
  const written = `${inBytes(bytes)} ${bytes === 1 ? "was" : "were"} written to ${output ?? "standard output"}`;
  if (output !== undefined) return `${written}. The same command continues after them.`;
  if (position !== undefined) return `${written}. To continue, use --position ${position}.`;
  return offset === undefined
    ? `${written}.`
    : `${written}, up to offset ${offset}. To continue, use --offset ${offset}.`;
}

/**
 * Fails if the append was not completed, so that scripts notice.
 *
 * @throws {StreamError} `lost` or `replaced`; an error with an explanation for `deleted`, `failed` and `limit`.
 */
function expectWhole({ reason, offset }: FollowEnd, url: string): void {
  const at = offset === undefined ? "" : ` at offset ${offset}`;
  if (reason === "lost") {
    throw new StreamError(
      "lost",
      `The appender of ${url} vanished${at} and did not return. The content is incomplete.`,
    );
  }
  if (reason === "deleted") throw new Error(`deleted: ${url} was removed while it was followed${at && `,${at}`}.`);
  if (reason === "replaced") {
    throw new StreamError(
      "replaced",
      `The content of ${url} was replaced or cut short while it was followed${at && `,${at}`}.`,
    );
  }
  if (reason === "failed")
    throw new Error(`failed: The server failed to store ${url}${at}. The content is incomplete.`);
  if (reason === "limit")
    throw new Error(`limit: The server ended the append of ${url}${at}, at a limit. The content is incomplete.`);
}

/** Rewords an error that concerns the file of `--output`. */
function explained(error: unknown, url: string, { output: file }: FollowFlags, { size }: Output): unknown {
  if (!(error instanceof StreamError) || file === undefined) return error;
  if (error.code === "replaced") return otherContent(file, url, error);
  if (error.code !== "range") return error;
  const message = `${file} has ${size} bytes, which is more than ${url} has. Name another file, or remove it.`;
  return new StreamError("range", message, { cause: error });
}

function parseOffset(text: string): number | "now" {
  if (text === "now") return text;
  try {
    return parseBytes(text);
  } catch {
    throw new InvalidArgumentError('It must be a whole number of bytes, or "now".');
  }
}
