/**
 * One append or follow in the log.
 * @module
 */
import type { Transport } from "../../engine/events.ts";
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
    service.operator.began(begin.type);
    service.operator.log({ ...begin, ...subject, phase: "begin" });
  }

  /** Logs the end. */
  end(offset: number, reason: string): void {
    const bytes = offset - this.#begin.offset;
    const durationMs = Math.round(performance.now() - this.#startedMs);
    this.#service.operator.ended(this.#begin.type);
    this.#service.operator.log({ ...this.#begin, ...this.#subject, phase: "end", offset, bytes, durationMs, reason });
  }
}
