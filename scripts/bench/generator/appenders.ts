/**
 * Many appenders at once: connected, flooding, or keeping a pace.
 * @module
 */
import { type Appender, openAppender } from "./appender.ts";
import { nowNs } from "./clock.ts";
import type { AppendJob, Connected, Flooded } from "./protocol.ts";
import { writeRecord } from "./records.ts";
import { urlOf } from "./url-of.ts";

/** How many connect at once. */
const AT_ONCE = 50;

/** A group of appenders. */
export class Appenders {
  readonly #job: AppendJob;
  readonly #appenders: Appender[] = [];
  /** Records that each has appended at a pace. */
  #paced = 0;

  /** @param job Whom to connect. */
  constructor(job: AppendJob) {
    this.#job = job;
  }

  /** Connects them; rejects when one of them can't. */
  async connect(): Promise<Omit<Connected, "group">> {
    const { target, count, records } = this.#job;
    const firstNs = nowNs();
    while (this.#appenders.length < count) {
      const first = this.#appenders.length;
      const few = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, number) =>
        openAppender(urlOf(target.url, first + number), target.dialect, records),
      );
      this.#appenders.push(...few);
      await Promise.all(few.map(({ opened }) => opened));
    }
    return { firstNs, lastNs: nowNs() };
  }

  /** Each appends the next so many records as fast as they are taken. */
  async flood(records: number): Promise<Flooded> {
    const startNs = nowNs();
    await Promise.all(this.#appenders.map((appender) => appender.flood(records)));
    return { startNs, endNs: nowNs() };
  }

  /** Each appends so many records a second, one as far from the next as it gets. */
  async pace(records: number, perSecond: number): Promise<Flooded> {
    const appenders = this.#appenders;
    const total = records * appenders.length;
    const everyMs = 1000 / (perSecond * appenders.length);
    const startNs = nowNs();
    const startMs = performance.now();
    for (let sent = 0; sent < total; ) {
      const due = Math.min(total, Math.floor((performance.now() - startMs) / everyMs) + 1);
      for (; sent < due; sent++) this.#sendStamped(sent);
      const waitMs = startMs + sent * everyMs - performance.now();
      if (sent < total) await new Promise((resolve) => setTimeout(resolve, Math.max(1, Math.floor(waitMs))));
    }
    this.#paced += records;
    await Promise.all(appenders.map((appender) => appender.settled()));
    return { startNs, endNs: nowNs() };
  }

  /** Ends them in the way of their dialect. */
  async end(): Promise<void> {
    await Promise.all(this.#appenders.map((appender) => appender.end()));
  }

  /** Drops them all. */
  drop(): void {
    for (const appender of this.#appenders) appender.drop();
  }

  #sendStamped(turn: number): void {
    const { records } = this.#job;
    const count = this.#appenders.length;
    const record = Buffer.allocUnsafe(records.bytes);
    writeRecord(record, 0, records, this.#paced + Math.floor(turn / count), nowNs());
    this.#appenders[turn % count]?.send(record);
  }
}
