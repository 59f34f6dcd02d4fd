/**
 * One append or follow in the log.
 * @module
 */
import type { Transport } from "../../engine/events.ts";
import type { Service, Subject } from "./service.ts";

/** How an append or a follow begins. */
interface Begin {
  readonly type: "append" | "follow";
  readonly transport: Transport;
  readonly offset: number;
}

/** What is told of one append or follow: its begin, and once its end. */
export class LogSpan {
  readonly #service: Service;
  readonly #subject: Subject;
  readonly #begin: Begin;
  readonly #startedMs: number = performance.now();

  /** Tells of the begin. */
  constructor(service: Service, subject: Subject, begin: Begin) {
    this.#service = service;
    this.#subject = subject;
    this.#begin = begin;
    service.operator.began(begin.type);
    service.operator.log({ ...begin, ...subject, phase: "begin" });
  }

  /** Tells of the end. */
  end(offset: number, reason: string): void {
    const bytes = offset - this.#begin.offset;
    const durationMs = Math.round(performance.now() - this.#startedMs);
    this.#service.operator.ended(this.#begin.type);
    this.#service.operator.log({ ...this.#begin, ...this.#subject, phase: "end", offset, bytes, durationMs, reason });
  }
}
