/**
 * Leaders of streams that must step down, and barriers that show that a leader is one.
 * @module
 */
import { headers } from "@nats-io/transport-node";
import type { Calls } from "../connection/calls.ts";
import type { Layout } from "../layout/layout.ts";

/** The subject on which JetStream takes requests. */
const API = "$JS.API";

/** Milliseconds for the request. */
const REQUEST_MS = 2_000;

/** Milliseconds after which a barrier is removed. */
const BARRIER_MS = 1_000;

const NOTHING: Uint8Array = new Uint8Array(0);

/** The leaders of the streams of one installation. */
export class Leaders {
  readonly #calls: Calls;
  readonly #layout: Layout;
  /** The barriers that are about to be stored, by shard. */
  readonly #barriers = new Map<number, Promise<void>>();
  /** The barriers that follow them. */
  readonly #next = new Map<number, Promise<void>>();

  constructor(calls: Calls, layout: Layout) {
    this.#calls = calls;
    this.#layout = layout;
  }

  /**
   * Asks the leader of a stream to step down: it does not know what it has acknowledged, so it refuses what should follow.
   * All nodes together ask once per lease. Never rejects.
   */
  async stepDown(stream: string): Promise<void> {
    const { nodes } = this.#layout;
    const subject = this.#layout.lease(`step-down-${stream}`);
    const once = { stream: nodes, subject, headers: headers(), payload: NOTHING, expected: 0 };
    try {
      await this.#calls.write(once);
      await this.#calls.connection.request(`${API}.STREAM.LEADER.STEPDOWN.${stream}`, NOTHING, {
        timeout: REQUEST_MS,
      });
    } catch {
      // Another node has asked, or the next refusal asks again.
    }
  }

  /**
   * Stores something in a shard. What is read after that comes from a leader that has a majority.
   *
   * @throws {StreamError} `unavailable`.
   */
  async barrier(shard: number): Promise<void> {
    const running = this.#barriers.get(shard);
    if (!running) return this.#begin(shard);
    // It may have been stored already: what was read before this call may have come after it.
    const next = this.#next.get(shard) ?? running.then(() => this.#begin(shard));
    this.#next.set(shard, next);
    return next;
  }

  #begin(shard: number): Promise<void> {
    const barrier = this.#store(shard).finally(() => this.#barriers.delete(shard));
    // A failed one does not fail those that follow it.
    this.#barriers.set(
      shard,
      barrier.catch(() => {}),
    );
    this.#next.delete(shard);
    return barrier;
  }

  async #store(shard: number): Promise<void> {
    const stream = this.#layout.shardStream(shard);
    const subject = this.#layout.barrier(shard);
    await this.#calls.reach({ path: "" }, () =>
      this.#calls.write({ stream, subject, headers: headers(), payload: NOTHING, ttlMs: BARRIER_MS }),
    );
  }
}
