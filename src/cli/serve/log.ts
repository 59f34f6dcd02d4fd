/**
 * The server's log on standard output, as text or JSON.
 * @module
 */
import {
  configure,
  getJsonLinesFormatter,
  getLogger,
  type LogLevel,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import type { FailureEvent, Log, LogEvent } from "../../engine/events.ts";
import { urlPath } from "../../protocol/path.ts";
import { failureLine } from "../../server/service/reporter.ts";
import { causesOf, printable, printableJson } from "../../support/printable.ts";
import { droppedSentence, messagesOn } from "../common/messages.ts";

/** The formats of the log. */
export const LOG_FORMATS = ["text", "json"] as const;

/** One of {@link LOG_FORMATS}. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Format and level of the log. */
export interface LogSettings {
  readonly format: LogFormat;
  /** The least important level that is logged. */
  readonly level: LogLevel;
}

/** A running log. */
export interface ServerLog {
  /** Logs the events of the app. */
  readonly log: Log;
  /** Logs a line about the server itself, regardless of the level. */
  readonly announce: (message: string) => void;
}

/** The levels as in a line of text. */
const LEVELS: Readonly<Record<LogLevel, string>> = {
  trace: "TRC",
  debug: "DBG",
  info: "INF",
  warning: "WRN",
  error: "ERR",
  fatal: "FTL",
};

/** A line of text has no fields. */
const NONE: Record<string, unknown> = {};

const REQUESTS = ["httpfstream", "server"];
const ITSELF = ["httpfstream", "itself"];

/** An event without a `message`. */
type PlainEvent = Exclude<LogEvent, FailureEvent>;

/** Configures the log. Call it once per process. */
export async function openLog({ format, level }: LogSettings): Promise<ServerLog> {
  const line = format === "json" ? jsonLine() : textLine();
  // Never waited for: a suspended terminal or an unread pipe must not block the server.
  const output = messagesOn(1, (count) => line(aboutDropped(count)));
  const sinks = { out: (record: LogRecord) => output.say(line(record)) };
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
  const log: Log = (event) => {
    const at = event.type === "error" ? "error" : isMinor(event) ? "debug" : "info";
    // Hot path: do not build messages that are not logged.
    if (!requests.isEnabledFor(at)) return;
    const isText = format === "text";
    const message =
      event.type !== "error" ? sentence(event) : isText ? withId(failureLine(event), event) : event.message;
    const properties = isText ? NONE : event.type === "error" ? failureFields(event) : fields(event);
    // Without the logger, which would search the text for placeholders.
    output.say(line(recordOf(at, message, properties)));
  };
  return { log, announce: (message) => itself.info(literal(message)) };
}

/** Whether an event happens so often, and matters so little, that only a level below the default shows it. */
function isMinor(event: LogEvent): boolean {
  return event.type === "request" || (event.type === "delivery" && event.outcome !== "failed");
}

/** The record that stands for lines that could not be written. */
function aboutDropped(count: number): LogRecord {
  return recordOf("warning", droppedSentence(count), { dropped: count });
}

function recordOf(level: LogLevel, message: string, properties: Record<string, unknown>): LogRecord {
  return { category: REQUESTS, level, message: [message], rawMessage: message, timestamp: Date.now(), properties };
}

/** The fields of a JSON line, besides its message. */
function fields(event: PlainEvent): Record<string, unknown> {
  return "path" in event && event.path !== undefined ? { ...event, path: shown(event.path) } : { ...event };
}

function failureFields({ path, requestId, message, error }: FailureEvent): Record<string, unknown> {
  const where = {
    ...(path === undefined ? {} : { path: shown(path) }),
    ...(requestId === undefined ? {} : { requestId }),
  };
  const cause = causesOf(error, message);
  return { type: "error", ...where, ...(cause === "" ? {} : { cause }) };
}

function sentence(event: PlainEvent): string {
  return withId(told(event), event);
}

/** A line about a request ends with its id. */
function withId(line: string, event: LogEvent): string {
  return "requestId" in event && event.requestId !== undefined ? `${line} id=${event.requestId}` : line;
}

function told(event: PlainEvent): string {
  const from = "peer" in event && event.peer !== undefined ? ` from ${event.peer}` : "";
  switch (event.type) {
    case "request":
      return `request: ${event.method} ${event.target} ${event.status} in ${event.durationMs} ms${from}, ${event.bytes} bytes, ${event.reason}`;
    case "refusal":
      return `refused: ${event.method} ${event.target} ${event.status} ${event.code}${from}: ${event.message}`;
    case "delivery": {
      const { kind, subscription, path, generation, outcome, status, cause, durationMs } = event;
      const answer = status === undefined ? "" : `, status ${status}`;
      const why = cause === undefined ? "" : `: ${cause}`;
      return `${kind} ${outcome}: ${JSON.stringify(subscription)} below ${shown(path)}, wake ${generation} in ${durationMs} ms${answer}${why}`;
    }
    case "shutdown": {
      const { reason, appends, follows } = event;
      const counts = `${counted(appends, "append")} and ${counted(follows, "follow")}`;
      if (event.phase === "begin") return `shutdown begins: ${reason}, with ${counts} open`;
      return `shutdown done: ${reason}, ${counts} ended in ${seconds(event.durationMs)}`;
    }
    default: {
      const { type, path, transport } = event;
      if (event.phase === "begin") return `${type} begins: ${shown(path)} at ${event.offset}, ${transport}${from}`;
      return `${type} ends: ${shown(path)}, ${event.bytes} bytes in ${seconds(event.durationMs)}, ${event.reason}`;
    }
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(3)} s`;
}

/** The path escaped as in a URL, because it may contain line breaks and control characters. */
function shown(path: string): string {
  // Only broken clients send a lone surrogate, which no URL can contain.
  return `/${urlPath(path.replace(/\p{Surrogate}/gu, "\ufffd"))}`;
}

/** Escapes braces, which would be placeholders. */
function literal(text: string): string {
  return text.replace(/[{}]/g, "$&$&");
}

/** Formats a record as one line without control characters. */
function textLine(): TextFormatter {
  return ({ category, level, message, timestamp }) => {
    const text = message.map((part) => printable(String(part))).join("");
    return category[1] === ITSELF[1] ? `${text}\n` : `${new Date(timestamp).toISOString()} ${LEVELS[level]} ${text}\n`;
  };
}

function jsonLine(): TextFormatter {
  const json = getJsonLinesFormatter({ properties: "flatten" });
  return (record) => `${printableJson(json(record).trimEnd())}\n`;
}
