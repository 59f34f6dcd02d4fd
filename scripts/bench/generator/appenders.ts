/**
 * A group of concurrent appenders that flood or keep a pace.
 * @module
 */
import { type Appender, openAppender } from "./appender.ts";
import { nowNs } from "./clock.ts";
import type { AppendJob, Connected, Flooded } from "./protocol.ts";
import { writeRecord } from "./records.ts";
import { urlOf } from "./url-of.ts";

/** The maximum number of concurrent connection attempts. */
const AT_ONCE = 50;

/** A group of appenders. */
export class Appenders {
  readonly #job: AppendJob;
  readonly #appenders: Appender[] = [];
  /** How many records each has appended at a pace. */
  #paced = 0;

  /** @param job The appenders to connect. */
  constructor(job: AppendJob) {
    this.#job = job;
  }

  /** Connects all appenders; rejects if one of them can't connect. */
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

  /** Appends `records` records with each appender, as fast as the server accepts them. */
  async flood(records: number): Promise<Flooded> {
    const startNs = nowNs();
    await Promise.all(this.#appenders.map((appender) => appender.flood(records)));
    return { startNs, endNs: nowNs() };
  }

  /** Appends `perSecond` records per second with each appender, evenly spaced over all of them. */
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

  /** Ends all appends as their dialect prescribes. */
  async end(): Promise<void> {
    await Promise.all(this.#appenders.map((appender) => appender.end()));
  }

  /** Drops all connections. */
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
