/**
 * The server's log, as text or as JSON, on standard output.
 * @module
 */
import process from "node:process";
import {
  configure,
  getJsonLinesFormatter,
  getLogger,
  getTextFormatter,
  type Logger,
  type LogLevel,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import type { BeginEvent, EndEvent, Log, LogEvent } from "../core/log.ts";
import { urlPath } from "../core/path.ts";

/** The forms that a log can have. */
export const LOG_FORMATS = ["text", "json"] as const;

/** One of {@link LOG_FORMATS}. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What to write, and how. */
export interface LogSettings {
  readonly format: LogFormat;
  /** The least important level that is written. */
  readonly level: LogLevel;
}

/** A running log. */
export interface ServerLog {
  /** Takes the events of the app. */
  readonly log: Log;
  /** Writes a line about the server itself, whatever the level. */
  readonly announce: (message: string) => void;
}

const REQUESTS = ["httpfstream", "server"];
const ITSELF = ["httpfstream", "itself"];

/** Sets the log up. It can be done once a process. */
export async function openLog({ format, level }: LogSettings): Promise<ServerLog> {
  const line = format === "json" ? getJsonLinesFormatter({ properties: "flatten" }) : textFormatter();
  const sinks = { out: (record: LogRecord) => void process.stdout.write(line(record)) };
  await configure({
    sinks,
    loggers: [
      { category: REQUESTS, lowestLevel: level, sinks: ["out"] },
      { category: ITSELF, lowestLevel: "info", sinks: ["out"] },
      { category: ["logtape", "meta"], lowestLevel: "error", sinks: ["out"] },
    ],
  });
  const requests = getLogger(REQUESTS);
  const itself = getLogger(ITSELF);
  return { log: (event) => report(requests, event), announce: (message) => itself.info(literal(message)) };
}

function report(logger: Logger, event: LogEvent): void {
  if (event.type === "error") {
    const { path, error, message } = event;
    const where = path === undefined ? {} : { path: shown(path) };
    const cause = error instanceof Error && error.cause !== undefined ? { cause: String(error.cause) } : {};
    logger.error(literal(message), { ...where, ...cause });
    return;
  }
  // A crowd that comes at once must not cost sentences that nobody reads.
  if (!logger.isEnabledFor("info")) return;
  const sentence = event.phase === "begin" ? beginning(event) : ending(event);
  logger.info(literal(sentence), { ...event, path: shown(event.path) });
}

function beginning({ type, path, offset, transport, peer }: BeginEvent): string {
  return `${type} begins: ${shown(path)} at ${offset}, ${transport}${peer ? ` from ${peer}` : ""}`;
}

function ending({ type, path, bytes, durationMs, reason }: EndEvent): string {
  return `${type} ends: ${shown(path)}, ${bytes} bytes in ${(durationMs / 1000).toFixed(3)} s, ${reason}`;
}

/** As in a URL: a path may hold anything, line ends and control characters included. */
function shown(path: string): string {
  return `/${urlPath(path)}`;
}

/** Text without placeholders. */
function literal(text: string): string {
  return text.replace(/[{}]/g, "$&$&");
}

function textFormatter(): TextFormatter {
  const dated = getTextFormatter({
    timestamp: "rfc3339",
    format: ({ timestamp, level, message }) => `${timestamp} ${level} ${message}`,
  });
  return (record) => (record.category[1] === ITSELF[1] ? `${record.message.join("")}\n` : dated(record));
}
