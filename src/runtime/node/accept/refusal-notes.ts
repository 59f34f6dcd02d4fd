/**
 * Messages about refused connections: now and then one for all, because a client can be refused thousands of times per
 * second.
 * @module
 */

/** Milliseconds between two messages. */
const QUIET_MS = 10_000;

/** Receives messages for the log. */
export type Report = (message: string) => void;

/** Reports refused connections. */
export class RefusalNotes {
  readonly #report: Report;
  readonly #now: () => number;
  #quietUntilMs = Number.NEGATIVE_INFINITY;
  #unreported = 0;

  /** @param now The time in milliseconds. Default: `performance.now()`. */
  constructor(report: Report, now: () => number = () => performance.now()) {
    this.#report = report;
    this.#now = now;
  }

  /** Reports a refusal, or counts it until the next one that is reported. */
  note(why: string): void {
    const nowMs = this.#now();
    if (nowMs < this.#quietUntilMs) {
      this.#unreported++;
      return;
    }
    this.#quietUntilMs = nowMs + QUIET_MS;
    const more = this.#unreported === 0 ? "" : ` Since the last such message, ${this.#unreported} more were refused.`;
    this.#unreported = 0;
    this.#report(`Connections are refused: ${why}${more}`);
  }
}
