/**
 * `httpfstream append`: appends standard input or a file to a URL.
 * @module
 */
import process from "node:process";
import { type Command, Option } from "commander";
import {
  type AppendOptions,
  append,
  type ErrorCode,
  type ResumePoint,
  StreamError,
  type TokenSource,
} from "../../client/mod.ts";
import { gaveUp, withWaitHint } from "../access/gave-up.ts";
import { appendStateText, outageText } from "../access/states.ts";
import { type TokenFlags, tokenOf, tokenOption } from "../access/token-option.ts";
import { DURATION, parseDuration } from "../common/duration.ts";
import { DONE } from "../common/exit-codes.ts";
import { Interrupts } from "../common/interrupts.ts";
import {
  bareCommand,
  commandLine,
  headerOption,
  parsed,
  parseFileName,
  protocolOption,
  queryOption,
  retryOption,
} from "../common/options.ts";
import { parseUrlOf, shownUrl, withQuery } from "../common/resource-url.ts";
import { say } from "../common/terminal.ts";
import { type Input, openInput, untilInterrupted } from "./input.ts";
import { PathWait } from "./path-wait.ts";
import { type Progress, progressOf } from "./progress.ts";
import { ResumeFile } from "./resume-file.ts";
import { hasArrived, prepareResume, resumed, storedWords } from "./resuming.ts";

interface AppendFlags extends TokenFlags {
  readonly verbose?: true;
  /** URL-encoded. */
  readonly query: string;
  /** In seconds. */
  readonly retryFor: number;
  readonly resumeFile?: string;
  readonly close?: true;
  readonly protocol?: "durable-streams";
  readonly wait?: true;
  /** In seconds. */
  readonly waitFor?: number;
}

/** The errors that `--wait` waits for. */
const WAITED_FOR: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["conflict", "unreachable"]);

/**
 * Creates the command.
 *
 * @param name The name in its help and messages.
 * @param finish Receives the exit code.
 */
export function appendCommand(name: string, finish: (code: number) => void): Command {
  const words = commandLine(name);
  return bareCommand(name)
    .description("Append standard input, or a file, to a URL. Followers see every piece as it is read.")
    .argument("<url>", "URL to append to; http, https, ws or wss", parseUrlOf("append"))
    .argument("[file]", "file to append; standard input if omitted or -", parseFileName)
    .option("-v, --verbose", "report status changes on standard error, one per line; on a terminal with a progress bar")
    .addOption(
      new Option("--resume-file <file>", "store in this file how to resume, and resume from it").argParser(
        parseFileName,
      ),
    )
    .option("--wait", "wait while another client appends, and until the server answers, for at most --retry-for")
    .addOption(
      new Option("--wait-for <duration>", `like --wait, but give up after this time: ${DURATION}`).argParser(
        parsed(parseDuration),
      ),
    )
    .option("--close", "close the stream at the end: nothing can be appended to it any more")
    .addOption(protocolOption())
    .addOption(retryOption())
    .addOption(tokenOption())
    .addOption(headerOption())
    .addOption(queryOption())
    .addHelpText(
      "after",
      `
When the connection breaks, append reconnects and resumes at exactly the byte where it was interrupted.
With --resume-file, it resumes even after this command was killed: run the same command again within the server's grace
period (30 s by default). A FILE is read from the offset that the server has; standard input must yield the same bytes
again, from the first one. The resume file is removed when the append is complete; FILE is not removed.

Ctrl-C sends what has been read, and completes an append of standard input. An append of a FILE, or one with
--resume-file, stays unfinished: unless it is resumed, followers learn that it was lost. After an interrupt, --close
does not close the stream. A second Ctrl-C quits at once.

A Durable Streams server gets the bytes in numbered requests, which are repeated until they are stored; a stream that
does not exist is created with the Content-Type of --header. A stream of JSON gets one message per line.
Exit codes: 0 done, 1 refused or failed, 2 usage error, 130 interrupted (129 by SIGHUP, 143 by SIGTERM).

Examples:
  $ make 2>&1 | ${words} http://localhost:8080/build/42.log
  $ ${words} -v http://localhost:8080/images/disk.img disk.img
  $ ${words} --resume-file disk.img.resume http://localhost:8080/images/disk.img disk.img
  $ ${words} --retry-for 3600 http://localhost:8080/app.log < app.pipe
  $ ${words} http://localhost:8080/notes.txt          type lines; Ctrl-D ends`,
    )
    .action(async (url: string, file: string | undefined, flags: AppendFlags) =>
      finish(await run(withQuery(url, flags.query), file, flags)),
    );
}

/** Thrown when an interrupt stops the input before its end, so that the append stays unfinished. */
class Unfinished extends Error {}

async function run(url: string, file: string | undefined, flags: AppendFlags): Promise<number> {
  const interrupts = new Interrupts();
  const token = await tokenOf(url, flags, file === undefined || file === "-");
  const resumeFile = flags.resumeFile === undefined ? undefined : await ResumeFile.open(flags.resumeFile, url);
  const input = await openInput(file);
  const progress = progressOf(flags.verbose ?? false, input.size, isTyped(input));
  try {
    const bytes = await appended({ url, input, flags, token, resumeFile, interrupts, progress });
    await resumeFile?.remove();
    progress.end(`${interrupts.received ? "interrupted" : "done"}: appended ${bytes} bytes to ${shownUrl(url)}`);
  } catch (error) {
    progress.end();
    if (!(error instanceof Unfinished)) throw error;
    say(`interrupted: ${error.message}`);
  }
  return interrupts.exitCode(DONE);
}

/** Whether a person types the input, so that an interrupt may end it anywhere. */
function isTyped({ size, name }: Input): boolean {
  return size === undefined && name === "standard input" && process.stdin.isTTY;
}

/** The arguments of one run of the command. */
interface Run {
  readonly url: string;
  readonly input: Input;
  readonly flags: AppendFlags;
  readonly token: TokenSource | undefined;
  readonly resumeFile: ResumeFile | undefined;
  readonly interrupts: Interrupts;
  readonly progress: Progress;
}

/** The state that the attempts of one run share. */
interface Progressing {
  /** Whether the command waits for the server. */
  away: boolean;
  /** Whether the append was ever open. */
  begun: boolean;
  /** The wait for another appender; undefined if the command does not wait. */
  readonly wait: PathWait | undefined;
}

/**
 * Appends to the end of the input and returns the number of bytes appended. With `--wait`, it tries again while another
 * client appends; the input is not read before.
 */
async function appended(run: Run): Promise<number> {
  const { url, flags, interrupts } = run;
  const { waitFor } = flags;
  const shared: Progressing = {
    away: true,
    begun: false,
    wait: flags.wait || waitFor !== undefined ? new PathWait(waitFor) : undefined,
  };
  void interrupts.first.then(() => {
    if (shared.away)
      say("The server can't be reached. Once it answers, what was read is sent. Ctrl-C again quits at once.");
  });
  for (;;) {
    try {
      return await attempted(run, shared);
    } catch (error) {
      if (shared.begun || (!shared.wait && run.resumeFile?.begun)) throw error;
      if (!shared.wait) throw withWaitHint(error, WAITED_FOR);
      shared.away = false;
      if (!shared.wait.begun && isConflict(error)) announceWait(run);
      await shared.wait.next(error, interrupts.signal).catch((reason: unknown) => {
        throw interrupts.received ? new Unfinished(`${shownUrl(url)} still has another appender.`) : reason;
      });
    }
  }
}

function announceWait({ url, flags, progress }: Run): void {
  const line = `${shownUrl(url)} has another appender; waiting until it ends`;
  if (flags.verbose) progress.say(line);
  else if (process.stderr.isTTY) say(line);
}

function isConflict(error: unknown): boolean {
  return error instanceof StreamError && error.code === "conflict";
}

async function attempted(run: Run, shared: Progressing): Promise<number> {
  const { url, input, flags, token, resumeFile, progress } = run;
  const begun = resumeFile?.begun;
  const stateText = flags.verbose
    ? appendStateText(shownUrl(url), input.name, begun !== undefined)
    : outageText(shownUrl(url), flags.retryFor * 1000);
  let point: ResumePoint | undefined;
  let last: ResumePoint | undefined;
  let isDurable = false;
  const options: AppendOptions = {
    headers: flags.header,
    ...(token !== undefined && { token }),
    ...(flags.protocol !== undefined && { protocol: flags.protocol }),
    close: flags.close ?? false,
    retryForMs: flags.retryFor * 1000,
    // The URL worked in the earlier run.
    retryFirst: begun !== undefined || shared.wait !== undefined,
    ...(begun && { resume: resumed(begun, input) }),
    onAcked: (acked) => {
      point ??= acked;
      last = acked;
    },
    onState: (state) => {
      shared.away = state.state === "retrying" || (state.state === "connecting" && !shared.wait?.begun);
      shared.begun ||= state.state === "open";
      isDurable ||= state.state === "open" && state.protocol === "durable-streams";
      const line = stateText(state);
      if (line === undefined || (state.state === "connecting" && shared.wait?.begun)) return;
      (flags.verbose ? progress.say : say)(line);
    },
  };
  try {
    const chunks = source(run, () => point);
    return (await append(url, chunks, options)).bytes;
  } catch (error) {
    if (point && last) throw gaveUp(error, flags.retryFor, storedWords(run, point, last));
    if (isDurable) throw gaveUp(error, flags.retryFor, `A part of ${input.name} may be stored at ${shownUrl(url)}.`);
    if (!begun || !(error instanceof StreamError) || error.code !== "gone") throw error;
    if (await hasArrived(run, begun.start)) return 0;
    throw new StreamError(
      "gone",
      `The append of ${flags.resumeFile} has ended at the server, or its grace period has expired. The stored bytes stay. ` +
        `To append only the rest, remove ${flags.resumeFile}, and append what follows the bytes that are stored at ${shownUrl(url)}.`,
      { cause: error },
    );
  }
}

/** Yields the bytes to append. It is first read when the append is open. */
async function* source(run: Run, point: () => ResumePoint | undefined): AsyncGenerator<Uint8Array, void> {
  const { input, resumeFile, interrupts, progress } = run;
  let at = resumeFile ? await prepareResume(run, resumeFile, point()) : 0;
  progress.begin(at);
  for await (const chunk of untilInterrupted(input.read(at), input.name, interrupts)) {
    at += chunk.length;
    progress.add(chunk.length);
    yield chunk;
  }
  const isPart = resumeFile !== undefined || run.flags.close === true;
  const isShort = input.size === undefined ? isPart && !isTyped(input) : at < input.size;
  if (!interrupts.received || !isShort) return;
  const goesOn = "The same command resumes the append within the server's grace period.";
  const isOpen = run.flags.close && "The stream was not closed.";
  const isLost = "When the server's grace period expires, followers learn that the append was lost.";
  throw new Unfinished(
    `${at} bytes of ${input.name} were read, but not all. ${resumeFile ? goesOn : isOpen || isLost}`,
  );
}
