/**
 * The reports of a server: its log, the events of `onEvent`, its counts, and each failure once. Reporting never throws.
 * @module
 */

import type { FailureEvent, Log, LogEvent } from "../../engine/events.ts";
import type { StreamEvent } from "../../engine/stream-event.ts";
import { type ErrorCode, StreamError } from "../../protocol/errors.ts";
import { callUser } from "../../support/callback.ts";
import { explained, placeOf, printable } from "../../support/printable.ts";
import { type OpenSpan, Traffic } from "./traffic.ts";

/** The option `onEvent`. */
export type OnEvent = (event: StreamEvent) => unknown;

/** Codes with a 5xx status that do not mean a fault of the server, but concern the client or normal operation. */
const NO_FAULT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "not_implemented",
  "restarting",
  "overloaded",
  "limit",
  "lost",
  "aborted",
  "unreachable",
]);

/** Whether an error is a fault of the server, which its operator should know about. */
export function isFault(error: StreamError): boolean {
  return error.status >= 500 && !NO_FAULT.has(error.code);
}

/** Reports what happens in one server to its operator. */
export class Reporter {
  /** What the metrics count. */
  readonly traffic: Traffic = new Traffic();
  readonly #begun = { append: 0, follow: 0 };
  readonly #ended = { append: 0, follow: 0 };
  /** The number of followers, by path. */
  readonly #followers = new Map<string, number>();
  readonly #log: Log | undefined;
  /** Errors that were logged, because several components may report the same one. */
  readonly #logged = new WeakSet<Error>();

  readonly #onEvent: OnEvent | undefined;

  /**
   * @param log Receives the log. Without it, failures go to the console, and nothing else is logged.
   * @param onEvent Receives what happens to the streams. Default: no listener.
   */
  constructor(log: Log | undefined, onEvent?: OnEvent) {
    this.#log = log;
    this.#onEvent = onEvent;
  }

  /** Reports what happened to a stream. Never throws. */
  emit(event: StreamEvent): void {
    if (this.#onEvent) callUser("onEvent", this.#onEvent, event);
  }

  /** Whether the host app hears about what happens to the streams. */
  get hasListener(): boolean {
    return this.#onEvent !== undefined;
  }

  /** Whether anything but failures is logged. */
  get hasLog(): boolean {
    return this.#log !== undefined;
  }

  /** Logs an event. Never throws. */
  log(event: LogEvent): void {
    if (this.#log) callUser("log", this.#log, event);
    else if (event.type === "error") callUser("console.error", writeFailure, event);
  }

  /** Counts the start of an append or follow. */
  began(span: OpenSpan): void {
    const { type, path } = span;
    this.traffic.began(span);
    this.#begun[type]++;
    if (type === "follow") this.#followers.set(path, this.followersOf(path) + 1);
  }

  /**
   * Counts the end of an append or follow.
   *
   * @param offset Where it ended.
   * @param reason Why; see `EndEvent.reason`.
   */
  ended(span: OpenSpan, offset: number, reason: string): void {
    const { type, path } = span;
    this.traffic.ended(span, offset, reason);
    this.#ended[type]++;
    if (type === "append") return;
    const left = this.followersOf(path) - 1;
    if (left > 0) this.#followers.set(path, left);
    else this.#followers.delete(path);
  }

  /** How many followers a path has now. */
  followersOf(path: string): number {
    return this.#followers.get(path) ?? 0;
  }

  /** Runs a shutdown, and logs its start and its end. */
  async runShutdown(reason: string, shutdown: () => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    const before = { ...this.#ended };
    const open = { appends: this.#begun.append - before.append, follows: this.#begun.follow - before.follow };
    this.log({ type: "shutdown", phase: "begin", reason, ...open });
    await shutdown();
    const ended = { appends: this.#ended.append - before.append, follows: this.#ended.follow - before.follow };
    const durationMs = Math.round(performance.now() - startedMs);
    this.log({ type: "shutdown", phase: "end", reason, ...ended, durationMs });
  }

  /**
   * Logs a failure, unless it was logged before, on its own or as the cause of another one.
   *
   * @param path The resource path, where there is one.
   * @param error The thrown value.
   * @param message A sentence that says what failed. Default: the error's own message.
   * @param requestId The id of the request that failed. Default: no request.
   */
  failed(path: string | undefined, error: unknown, message?: string, requestId?: string): void {
    if (this.#wasLogged(error)) return;
    const where = { ...(path === undefined ? {} : { path }), ...(requestId === undefined ? {} : { requestId }) };
    this.log({ type: "error", ...where, message: message ?? StreamError.from(error).message, error });
  }

  /** Logs a failure if it is a fault of the server, and not of its client. */
  failedIfFault(path: string | undefined, error: StreamError): void {
    if (isFault(error)) this.failed(path, error);
  }

  #wasLogged(error: unknown): boolean {
    let wasLogged = false;
    for (let part = error; part instanceof Error && !wasLogged; part = part.cause) {
      wasLogged = this.#logged.has(part);
      this.#logged.add(part);
    }
    return wasLogged;
  }
}

/**
 * Formats a failure as one printable line: the path, the message, its causes, and the place in the code if the error is
 * an unexpected one.
 */
export function failureLine({ path, message, error }: FailureEvent): string {
  const where = path === undefined || message.includes(path) ? "" : `${JSON.stringify(`/${path}`)}: `;
  const isUnforeseen = !(error instanceof StreamError) && (error as { code?: unknown } | undefined)?.code === undefined;
  return `${printable(where)}${explained(error, message)}${isUnforeseen ? placeOf(error) : ""}`;
}

function writeFailure(event: FailureEvent): void {
  console.error(`httpfstream: ${failureLine(event)}`);
}
