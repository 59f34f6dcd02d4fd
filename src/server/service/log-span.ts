/**
 * One append or follow in the log.
 * @module
 */
import type { Transport } from "../../engine/events.ts";
import type { StreamError } from "../../protocol/errors.ts";
import type { Service, Subject } from "./service.ts";

/** The start of an append or follow. */
interface Begin {
  readonly type: "append" | "follow";
  readonly transport: Transport;
  readonly offset: number;
}

/** Logs the start and the end of one append or follow. */
export class LogSpan {
  readonly #service: Service;
  readonly #subject: Subject;
  readonly #begin: Begin;
  readonly #startedMs: number = performance.now();

  /** Logs the start. */
  constructor(service: Service, subject: Subject, begin: Begin) {
    this.#service = service;
    this.#subject = subject;
    this.#begin = begin;
    service.operator.began(begin.type, subject.path);
    service.operator.log({ ...begin, ...subject, phase: "begin" });
    const { type, ...how } = begin;
    if (type === "follow") service.operator.tell({ ...how, ...subject, type: "began", action: type });
  }

  /**
   * Logs the end.
   *
   * @param reason Why it ended; see {@link EndEvent.reason}.
   * @param error What ended it, if it failed.
   */
  end(offset: number, reason: string, error?: StreamError): void {
    const bytes = offset - this.#begin.offset;
    const durationMs = Math.round(performance.now() - this.#startedMs);
    this.#service.operator.ended(this.#begin.type, this.#subject.path);
    this.#service.operator.log({ ...this.#begin, ...this.#subject, phase: "end", offset, bytes, durationMs, reason });
    const { type, ...how } = this.#begin;
    if (type === "append") return;
    const failure = error && { error };
    const { operator } = this.#service;
    operator.tell({ ...how, ...this.#subject, type: "ended", action: type, offset, reason, ...failure });
  }
}
