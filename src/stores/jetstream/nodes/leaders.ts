/**
 * Asks leaders of streams to step down, and stores barriers that show that a leader still is one.
 * @module
 */
import { headers } from "@nats-io/transport-node";
import type { Calls } from "../connection/calls.ts";
import { isFull } from "../connection/failures.ts";
import type { Mark } from "../connection/last-messages.ts";
import type { Layout } from "../layout/layout.ts";

/** The subject on which JetStream takes requests. */
const API = "$JS.API";

/** Milliseconds for the request. */
const REQUEST_MS = 2_000;

/** Milliseconds after which a mark is removed. */
const MARK_MS = 30_000;

const NOTHING: Uint8Array = new Uint8Array(0);

/** The leaders of the streams of one installation. */
export class Leaders {
  readonly #calls: Calls;
  readonly #layout: Layout;
  /** The marks that are about to be stored, by stream. */
  readonly #marks = new Map<string, Promise<Mark>>();
  /** The marks that follow them. */
  readonly #next = new Map<string, Promise<Mark>>();

  constructor(calls: Calls, layout: Layout) {
    this.#calls = calls;
    this.#layout = layout;
  }

  /**
   * Asks the leader of a stream to step down: it has lost records that it acknowledged, so it refuses those that should
   * follow. All nodes together ask once per lease. Never rejects.
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
   * Stores a barrier in a stream. Reads after that are answered by a leader that had a majority.
   *
   * @throws {StreamError} `unavailable`.
   */
  async barrier(stream: string): Promise<void> {
    const { seq } = await this.mark(stream);
    // A leader that has lost its majority also answers until it notices; but it does not have the barrier.
    await this.#calls.reach({ path: "" }, async () => {
      const { state } = await this.#calls.manager.streams.info(stream);
      if (state.last_seq < seq) throw new Error(`The server that answers for ${stream} has lost its majority.`);
    });
  }

  /**
   * Stores a mark in a stream: all that was acknowledged before this call comes before it.
   *
   * @throws {StreamError} `unavailable`.
   */
  async mark(stream: string): Promise<Mark> {
    const running = this.#marks.get(stream);
    if (!running) return this.#begin(stream);
    // The mark that is under way may have been stored before this call. Its failure does not affect the next one.
    const begin = (): Promise<Mark> => this.#begin(stream);
    const next = this.#next.get(stream) ?? running.then(begin, begin);
    this.#next.set(stream, next);
    return next;
  }

  /** The marks of a stream, for {@link eachLast}. */
  marks(stream: string): { readonly mark: () => Promise<Mark>; readonly markSubject: string } {
    return { mark: () => this.mark(stream), markSubject: this.#layout.barrier(stream) };
  }

  #begin(stream: string): Promise<Mark> {
    const mark = this.#store(stream).finally(() => this.#marks.delete(stream));
    this.#marks.set(stream, mark);
    this.#next.delete(stream);
    return mark;
  }

  async #store(stream: string): Promise<Mark> {
    const subject = this.#layout.barrier(stream);
    const write = { stream, subject, headers: headers(), payload: NOTHING, ttlMs: MARK_MS };
    const seq = await this.#calls.reach({ path: "" }, () => this.#calls.write(write).catch(unlessFull));
    if (seq === undefined) return await this.#inFull(stream, subject);
    return { subject, seq, storedMs: performance.now(), lifetimeMs: MARK_MS };
  }

  /** The mark in a full stream: its last message. A removal, even of nothing, needs a majority as a mark does, but no room. */
  async #inFull(stream: string, subject: string): Promise<Mark> {
    await this.#calls.purge(stream, subject, { path: "", before: 1 });
    const { state } = await this.#calls.reach({ path: "" }, () => this.#calls.manager.streams.info(stream));
    return { subject, seq: state.last_seq, storedMs: performance.now(), lifetimeMs: 0 };
  }
}

/** For a write's `catch`: ignores that there is no room, and throws any other error. */
function unlessFull(error: unknown): undefined {
  if (!isFull(error)) throw error;
}
