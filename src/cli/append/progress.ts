/**
 * How far an append has come, on standard error.
 * @module
 */
import process from "node:process";
import { Writable } from "node:stream";
import { isatty } from "node:tty";
// @ts-types="@types/cli-progress"
import cliProgress, { type Options, type Params } from "cli-progress";
import { messagesOn } from "../common/messages.ts";
import { say } from "../common/terminal.ts";

/** Shows what is going on. */
export interface Progress {
  /** Something has happened. */
  say(what: string): void;
  /** Bytes are taken from now on; so many were before, in an earlier run. */
  begin(before: number): void;
  /** More bytes were taken. */
  add(bytes: number): void;
  /** It is over, with a last word where there is one to say. */
  end(what?: string): void;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/**
 * Lines, and on a terminal a progress bar; nothing unless asked for.
 *
 * @param verbose Whether it was asked for.
 * @param size Bytes in all, where that is known.
 * @param typing Whether the bytes are typed on this very terminal, where a bar would write over them.
 */
export function progressOf(verbose: boolean, size: number | undefined, typing: boolean): Progress {
  if (!verbose) return { say: ignore, begin: ignore, add: ignore, end: ignore };
  if (!isatty(2) || typing) return { say, begin: ignore, add: ignore, end: (what) => what && say(what) };
  return bar(size);
}

/**
 * A number of bytes for people.
 *
 * @example
 * ```ts
 * humanBytes(1536); // "1.5 KiB"
 * ```
 */
export function humanBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  return power === 0 ? `${Math.round(bytes)} B` : `${(bytes / 1024 ** power).toFixed(1)} ${UNITS[power]}`;
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
      // Where the bar is now; it is drawn again below.
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

/** The terminal as a stream that is never waited for: a look that can't be shown now is left out. */
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
  // Nobody asked.
}
