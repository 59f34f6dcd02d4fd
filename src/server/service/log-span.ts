/**
 * One append or follow in the log.
 * @module
 */
import type { Transport } from "../../engine/events.ts";
import type { StreamError } from "../../protocol/errors.ts";
import type { RequestResult } from "./request-result.ts";
import type { Service, Subject } from "./service.ts";
import type { OpenSpan } from "./traffic.ts";

/** The start of an append or follow. */
interface Begin {
  readonly type: "append" | "follow";
  readonly transport: Transport;
  readonly offset: number;
}

/** An append that has already ended when it is logged. */
interface Past {
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
}

/** Logs and counts the start and the end of one append or follow. */
export class LogSpan {
  readonly #service: Service;
  readonly #subject: Subject;
  readonly #begin: Begin;
  readonly #startedMs: number;
  readonly #open: OpenSpan;
  readonly #result: RequestResult | undefined;

  /**
   * Logs the start.
   *
   * @param position Returns the offset that it has reached. Default: the first one, until it has ended.
   * @param result Receives the result of the request. Default: none.
   * @param past When it began. Default: now.
   */
  constructor(
    service: Service,
    subject: Subject,
    begin: Begin,
    position: () => number = () => begin.offset,
    result?: RequestResult,
    past: Past = { startedMs: performance.now() },
  ) {
    this.#startedMs = past.startedMs;
    this.#result = result;
    result?.began();
    this.#service = service;
    this.#subject = subject;
    this.#begin = begin;
    this.#open = { ...begin, path: subject.path, position };
    const { reporter } = service;
    reporter.began(this.#open);
    // Hot path: thousands of followers may connect at once.
    if (reporter.hasLog) reporter.log({ ...begin, ...subject, phase: "begin" });
    const { type, ...how } = begin;
    if (type === "follow" && reporter.hasListener) reporter.emit({ ...how, ...subject, type: "began", action: type });
  }

  /**
   * Logs the end.
   *
   * @param reason Why it ended; see {@link EndEvent.reason}.
   * @param error What ended it, if it failed.
   */
  end(offset: number, reason: string, error?: StreamError): void {
    const { reporter } = this.#service;
    const bytes = offset - this.#begin.offset;
    const durationMs = Math.round(performance.now() - this.#startedMs);
    reporter.ended(this.#open, offset, reason);
    if (reporter.hasLog) {
      reporter.log({ ...this.#begin, ...this.#subject, phase: "end", offset, bytes, durationMs, reason });
    }
    this.#result?.end(bytes, reason);
    const { type, ...how } = this.#begin;
    if (type === "append" || !reporter.hasListener) return;
    const failure = error && { error };
    reporter.emit({ ...how, ...this.#subject, type: "ended", action: type, offset, reason, ...failure });
  }
}
