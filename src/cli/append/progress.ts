/**
 * The progress of an append on standard error.
 * @module
 */
import process from "node:process";
import { Writable } from "node:stream";
import { isatty } from "node:tty";
// @ts-types="@types/cli-progress"
import cliProgress, { type Options, type Params } from "cli-progress";
import { humanBytes } from "../common/human-bytes.ts";
import { messagesOn } from "../common/messages.ts";
import { say } from "../common/terminal.ts";

/** Displays status messages and progress. */
export interface Progress {
  /** Displays a status message. */
  say(what: string): void;
  /** Starts the progress bar. `before` is the number of input bytes already sent in an earlier run. */
  begin(before: number): void;
  /** Adds to the number of bytes processed. */
  add(bytes: number): void;
  /** Ends the display, with a final message if there is one. */
  end(what?: string): void;
}

/**
 * Displays messages, and a progress bar on a terminal. Displays nothing unless verbose.
 *
 * @param verbose Whether to display anything.
 * @param size Total size in bytes; undefined if unknown.
 * @param typing Whether the input is typed on this terminal, where a bar would overwrite it.
 */
export function progressOf(verbose: boolean, size: number | undefined, typing: boolean): Progress {
  if (!verbose) return { say: ignore, begin: ignore, add: ignore, end: ignore };
  if (!isatty(2) || typing) return { say, begin: ignore, add: ignore, end: (what) => what && say(what) };
  return bar(size);
}

function bar(size: number | undefined): Progress {
  const line = new cliProgress.SingleBar({
    stream: new Screen(),
    hideCursor: null,
    fps: 5,
    barsize: 24,
    barCompleteChar: "#",
    barIncompleteChar: "-",
    format: (options, params) => (size === undefined ? openEnded(params) : towards(size, options, params)),
  });
  return {
    say: (what) => {
      // Clears the line of the progress bar, which is drawn again at its next update.
      if (line.isActive) messagesOn(2).show("\r\u001b[K");
      say(what);
    },
    begin: (before) => line.start(size ?? 0, before),
    add: (bytes) => line.increment(bytes),
    end: (what) => {
      line.stop();
      if (what) say(what);
    },
  };
}

/** The terminal as a stream that never blocks: frames that cannot be written now are skipped. */
class Screen extends Writable {
  readonly isTTY = true;

  constructor() {
    super({ decodeStrings: false });
  }

  get columns(): number {
    return process.stderr.columns;
  }

  override _write(text: string, _encoding: BufferEncoding, done: () => void): void {
    messagesOn(2).show(text);
    done();
  }
}

function openEnded({ value, startTime }: Params): string {
  return `${humanBytes(value)} | ${rate(value, startTime)}`;
}

function towards(size: number, options: Options, params: Params): string {
  const { value, startTime, progress } = params;
  const drawn = cliProgress.Format.BarFormat(progress, options);
  const seconds = ((Date.now() - startTime) / 1000) * (size / Math.max(value, 1) - 1);
  const left = value >= size ? "" : ` | ${Math.ceil(seconds)} s left`;
  const share = size === 0 ? 100 : Math.floor((value / size) * 100);
  return `[${drawn}] ${share}% | ${humanBytes(value)} of ${humanBytes(size)} | ${rate(value, startTime)}${left}`;
}

function rate(bytes: number, sinceMs: number): string {
  return `${humanBytes((bytes * 1000) / Math.max(Date.now() - sinceMs, 1))}/s`;
}

function ignore(): void {
  // The command is not verbose.
}
