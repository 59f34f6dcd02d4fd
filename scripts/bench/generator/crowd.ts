/**
 * A group of concurrent followers, and checks of what they receive.
 * @module
 */
import { nowNs } from "./clock.ts";
import type { Outgoing } from "./connection.ts";
import { Follower, followRequest } from "./follower.ts";
import { Histogram } from "./histogram.ts";
import type { Connected, FollowJob, Received } from "./protocol.ts";
import { ExactReceiver, NumberedReceiver, type Receiver, StampedReceiver } from "./receivers.ts";
import { isTemplate, urlOf } from "./url-of.ts";

/** By default, one in this many followers compares every byte. */
const EXACT_EVERY = 50;

/** A group of followers. */
export class Crowd {
  readonly #job: FollowJob;
  readonly #followers: Follower[] = [];
  readonly #receivers: Receiver[] = [];
  /** The request that all followers share if they follow the same path. */
  readonly #shared: Outgoing | undefined;
  readonly #ages = new Histogram();
  /** How many bytes each follower is to receive in total. */
  #goal = Number.POSITIVE_INFINITY;
  #complete = 0;
  #lastNs = 0;
  #gone = 0;
  #reason: string | undefined;
  #dropping = false;
  #wake: () => void = () => {};

  /** @param job The followers to connect, and their purpose. */
  constructor(job: FollowJob) {
    this.#job = job;
    this.#goal = job.bytes ?? this.#goal;
    const { url, dialect } = job.target;
    this.#shared = isTemplate(url) ? undefined : followRequest(urlOf(url, 0), dialect);
  }

  /** Connects all followers; rejects if one of them can't connect. */
  async connect(): Promise<Omit<Connected, "group">> {
    const { count, atOnce } = this.#job;
    const firstNs = nowNs();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) await this.#connectOne(next++);
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
    return { firstNs, lastNs: nowNs() };
  }

  /** Sets how many bytes each follower is to receive in total, and clears the recorded ages. */
  expect(bytes: number): void {
    this.#goal = bytes;
    this.#complete = this.#receivers.filter(({ received }) => received >= bytes).length;
    this.#ages.clear();
  }

  /** Waits until all followers have the expected bytes, one has lost its connection, or the time is over. */
  async received(timeoutMs: number): Promise<Received> {
    if (this.#complete < this.#job.count && this.#gone === 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const bytes = this.#goal;
    return {
      lastNs: this.#lastNs,
      short: this.#receivers.filter(({ received }) => received < bytes).length,
      wrong: this.#receivers.filter(({ received, wrong }) => wrong || received > bytes).length,
      gone: this.#gone,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ages: this.#ages.pack(),
    };
  }

  /** Makes stalled followers read. */
  resume(): void {
    for (const follower of this.#followers) follower.resume();
  }

  /** Drops all connections. */
  drop(): void {
    this.#dropping = true;
    for (const follower of this.#followers) follower.drop();
  }

  #connectOne(number: number): Promise<void> {
    const { target, first = 0, purpose } = this.#job;
    const receiver = this.#receiver(number);
    const request = this.#shared ?? followRequest(urlOf(target.url, first + number), target.dialect);
    this.#receivers.push(receiver);
    return new Promise((resolve, reject) => {
      const follower: Follower = new Follower(request, target.dialect, {
        opened: () => {
          if (purpose === "stall") follower.stall();
          resolve();
        },
        data: (bytes, from, to) => this.#take(receiver, bytes, from, to),
        closed: (reason) => {
          reject(new Error(`A follower could not connect to ${target.url}: ${reason}.`));
          this.#closed(receiver, reason);
        },
      });
      this.#followers.push(follower);
    });
  }

  #receiver(number: number): Receiver {
    const { purpose, records, exactEvery = EXACT_EVERY } = this.#job;
    if (purpose === "measure") return new StampedReceiver(records, this.#ages);
    return exactEvery > 0 && number % exactEvery === 0 ? new ExactReceiver(records) : new NumberedReceiver(records);
  }

  #take(receiver: Receiver, bytes: Buffer, from: number, to: number): void {
    const before = receiver.received;
    receiver.take(bytes, from, to);
    if (before >= this.#goal || receiver.received < this.#goal) return;
    if (++this.#complete < this.#job.count) return;
    this.#lastNs = nowNs();
    this.#wake();
  }

  #closed({ received }: Receiver, reason: string): void {
    // A server may close the connection of a follower that has received everything.
    if (this.#dropping || received >= this.#goal) return;
    this.#gone++;
    this.#reason ??= reason;
    this.#wake();
  }
}
