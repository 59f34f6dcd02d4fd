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
  /** The barriers that are about to be stored, by stream. */
  readonly #barriers = new Map<string, Promise<void>>();
  /** The barriers that follow them. */
  readonly #next = new Map<string, Promise<void>>();

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
   * Stores something in a stream. What is read from it after that comes from a leader that has a majority.
   *
   * @throws {StreamError} `unavailable`.
   */
  async barrier(stream: string): Promise<void> {
    const running = this.#barriers.get(stream);
    if (!running) return this.#begin(stream);
    // It may have been stored already: what was read before this call may have come after it.
    const next = this.#next.get(stream) ?? running.then(() => this.#begin(stream));
    this.#next.set(stream, next);
    return next;
  }

  #begin(stream: string): Promise<void> {
    const barrier = this.#store(stream).finally(() => this.#barriers.delete(stream));
    // A failed one does not fail those that follow it.
    this.#barriers.set(
      stream,
      barrier.catch(() => {}),
    );
    this.#next.delete(stream);
    return barrier;
  }

  async #store(stream: string): Promise<void> {
    const subject = this.#layout.barrier(stream);
    const reach = { path: "" };
    const seq = await this.#calls.reach(reach, () =>
      this.#calls.write({ stream, subject, headers: headers(), payload: NOTHING, ttlMs: BARRIER_MS }),
    );
    // A leader that has lost its majority answers, too, until it learns that; it does not have the barrier.
    await this.#calls.reach(reach, async () => {
      const { state } = await this.#calls.manager.streams.info(stream);
      if (state.last_seq < seq)
        throw new Error(`The server that answers for ${stream} does not have what was just stored.`);
    });
  }
}
