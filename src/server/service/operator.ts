/**
 * What the faces tell the operator: one log that can't harm, and each failure once.
 * @module
 */

import type { FailureEvent, Log, LogEvent } from "../../engine/events.ts";
import { type ErrorCode, StreamError } from "../../protocol/errors.ts";
import { callUser } from "../../support/callback.ts";
import { explained, placeOf, printable } from "../../support/printable.ts";

/** Codes with a 5xx status that say something of the client, or of what is normal, and not of a fault of the server. */
const NO_FAULT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "not_implemented",
  "restarting",
  "overloaded",
  "lost",
  "aborted",
  "unreachable",
]);

/** Whether an error is the server's fault, so that its operator should know of it. */
export function isFault(error: StreamError): boolean {
  return error.status >= 500 && !NO_FAULT.has(error.code);
}

/** The operator of one server. */
export class Operator {
  readonly #begun = { append: 0, follow: 0 };
  readonly #ended = { append: 0, follow: 0 };
  readonly #log: Log | undefined;
  /** Errors that were logged, for the same one may reach several who report it. */
  readonly #told = new WeakSet<Error>();

  /** @param log Takes the events. Without one, failures go to the console, and nothing else is told. */
  constructor(log: Log | undefined) {
    this.#log = log;
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

  /** Counts an append or a follow that begins. */
  began(type: "append" | "follow"): void {
    this.#begun[type]++;
  }

  /** Counts one that has ended. */
  ended(type: "append" | "follow"): void {
    this.#ended[type]++;
  }

  /** Logs a shutdown from its begin to its end. */
  async shutsDown(reason: string, shutdown: () => Promise<void>): Promise<void> {
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
   * Logs a failure, unless it was logged before, alone or as the cause of another one.
   *
   * @param path The resource path, where there is one.
   * @param error What was thrown.
   * @param message A sentence, where the error's own does not say what has failed.
   */
  failed(path: string | undefined, error: unknown, message?: string): void {
    if (this.#isTold(error)) return;
    const where = path === undefined ? {} : { path };
    this.log({ type: "error", ...where, message: message ?? StreamError.from(error).message, error });
  }

  /** Logs a failure if it is the server's, and not one of its client. */
  failedIfFault(path: string | undefined, error: StreamError): void {
    if (isFault(error)) this.failed(path, error);
  }

  #isTold(error: unknown): boolean {
    let isTold = false;
    for (let part = error; part instanceof Error && !isTold; part = part.cause) {
      isTold = this.#told.has(part);
      this.#told.add(part);
    }
    return isTold;
  }
}

/**
 * A failure in one printable line: where, what, its causes, and the place in the code where no sentence of ours says
 * what happened.
 */
export function failureLine({ path, message, error }: FailureEvent): string {
  const where = path === undefined || message.includes(path) ? "" : `${JSON.stringify(`/${path}`)}: `;
  const isUnforeseen = !(error instanceof StreamError) && (error as { code?: unknown } | undefined)?.code === undefined;
  return `${printable(where)}${explained(error, message)}${isUnforeseen ? placeOf(error) : ""}`;
}

function writeFailure(event: FailureEvent): void {
  console.error(`httpfstream: ${failureLine(event)}`);
}
