/**
 * A group of followers in one load generator, as loads use it. If a follower loses a byte, the measurement fails.
 * @module
 */

import { Histogram } from "./generator/histogram.ts";
import type { Connected, FollowJob, Received } from "./generator/protocol.ts";
import type { Generator } from "./generator.ts";

/** A group of connected followers. */
export class Audience {
  /** When the first connection was started, in nanoseconds of `nowNs`. */
  readonly firstNs: number;
  /** Milliseconds from then until the last follower was ready. */
  readonly connectMs: number;
  readonly #generator: Generator;
  readonly #group: number;

  private constructor(generator: Generator, { group, firstNs, lastNs }: Connected) {
    this.#generator = generator;
    this.#group = group;
    this.firstNs = firstNs;
    this.connectMs = (lastNs - firstNs) / 1e6;
  }

  /** Connects the followers of a job. Rejects if one of them can't connect. */
  static async connect(generator: Generator, job: FollowJob): Promise<Audience> {
    return new Audience(generator, await generator.call("follow", job));
  }

  /** Sets how many bytes each follower is to receive in total. */
  async expect(bytes: number): Promise<void> {
    await this.#generator.call("expect", { group: this.#group, bytes });
  }

  /**
   * Waits until every follower has received the expected bytes.
   *
   * @returns When the last follower had received them, and the ages of records on arrival.
   * @throws {Error} if a follower has received wrong bytes, has lost its connection, or is late.
   */
  async received(timeoutMs: number): Promise<{ lastNs: number; ages: Histogram }> {
    const received = await this.#generator.call("received", { group: this.#group, timeoutMs });
    check(received, timeoutMs);
    const ages = new Histogram();
    ages.addAll(received.ages);
    return { lastNs: received.lastNs, ages };
  }

  /** Makes stalled followers read. */
  async resume(): Promise<void> {
    await this.#generator.call("resume", { group: this.#group });
  }

  /** Drops all connections. */
  async drop(): Promise<void> {
    await this.#generator.call("drop", { group: this.#group });
  }
}

function check({ short, wrong, gone, reason }: Received, timeoutMs: number): void {
  if (wrong > 0) throw new Error(`${wrong} followers received bytes that were never appended, or some twice.`);
  if (gone > 0) throw new Error(`${gone} followers lost their connection: ${reason}.`);
  if (short > 0) throw new Error(`${short} followers had not received everything after ${timeoutMs / 1000} s.`);
}
