/**
 * A crowd of followers in one load generator, as loads use it: whoever loses a byte fails the measurement.
 * @module
 */

import { Histogram } from "./generator/histogram.ts";
import type { Connected, FollowJob, Received } from "./generator/protocol.ts";
import type { Generator } from "./generator.ts";

/** Connected followers. */
export class Audience {
  /** When the first connection began. */
  readonly firstNs: number;
  /** Milliseconds from then until the last one was ready. */
  readonly connectMs: number;
  readonly #generator: Generator;
  readonly #group: number;

  private constructor(generator: Generator, { group, firstNs, lastNs }: Connected) {
    this.#generator = generator;
    this.#group = group;
    this.firstNs = firstNs;
    this.connectMs = (lastNs - firstNs) / 1e6;
  }

  /** Connects followers. */
  static async connect(generator: Generator, job: FollowJob): Promise<Audience> {
    return new Audience(generator, await generator.call("follow", job));
  }

  /** From now on everybody is to have so many bytes in all. */
  async expect(bytes: number): Promise<void> {
    await this.#generator.call("expect", { group: this.#group, bytes });
  }

  /**
   * Waits until everybody has what is expected; rejects when somebody has lost a byte, or is late.
   *
   * @returns when the last one had it, and how old records were when they came.
   */
  async received(timeoutMs: number): Promise<{ lastNs: number; ages: Histogram }> {
    const received = await this.#generator.call("received", { group: this.#group, timeoutMs });
    check(received, timeoutMs);
    const ages = new Histogram();
    ages.addAll(received.ages);
    return { lastNs: received.lastNs, ages };
  }

  /** Lets those read who have read nothing until now. */
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
