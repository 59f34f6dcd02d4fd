/**
 * Requests to JetStream.
 * @module
 */
import {
  type Consumer,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type NextMsgRequest,
  type OrderedConsumerOptions,
  type StoredMsg,
} from "@nats-io/jetstream";
import type { MsgHdrs, NatsConnection } from "@nats-io/transport-node";
import { type Counts, newCounts } from "./counts.ts";
import { finalError, lastError } from "./failures.ts";
import { pause } from "./pause.ts";

/** Milliseconds for one request. */
const REQUEST_MS = 2_000;

/** Milliseconds for one write. */
const WRITE_MS = 1_500;

/** Milliseconds for which a read is tried again. */
const READ_MS = 10_000;

/** Milliseconds before the second attempt; twice as many before each further one, up to the maximum. */
const RETRY_MS = 20;
const MAX_RETRY_MS = 400;

/** Milliseconds after which the server removes a consumer that has not asked for anything. */
const INACTIVE_MS = 30_000;

/** What a write requires, and its payload. */
export interface Write {
  readonly stream: string;
  readonly subject: string;
  readonly headers: MsgHdrs;
  readonly payload: Uint8Array;
  /** The sequence that must be the last one of the subject; 0 if it must have no message. Default: any. */
  readonly expected?: number;
  /** Milliseconds after which the server removes the message. Default: never. */
  readonly ttlMs?: number | undefined;
}

/** What {@link Calls.reach} knows when it gives up. */
export interface Reach {
  /** The path that it is about, for messages. */
  readonly path: string;
  /** When to give up, on the clock of `performance.now()`. Default: in 10 s. */
  readonly untilMs?: number | undefined;
}

/** Requests over one connection. */
export class Calls {
  readonly connection: NatsConnection;
  /** What is counted for the operator. */
  readonly counts: Counts = newCounts();
  /** When a read or a write last succeeded, on the clock of `performance.now()`. */
  answeredMs: number = performance.now();
  /** When a read or a write first failed after that; undefined if none has. */
  failingSinceMs: number | undefined;
  readonly #client: JetStreamClient;
  readonly #manager: JetStreamManager;

  private constructor(connection: NatsConnection, manager: JetStreamManager) {
    this.connection = connection;
    this.#client = jetstream(connection, { timeout: REQUEST_MS });
    this.#manager = manager;
  }

  /** Prepares requests over a connection. */
  static async over(connection: NatsConnection): Promise<Calls> {
    // The lookup of the streams shows whether JetStream is available.
    return new Calls(connection, await jetstreamManager(connection, { timeout: REQUEST_MS, checkAPI: false }));
  }

  /** The API for streams and consumers. */
  get manager(): JetStreamManager {
    return this.#manager;
  }

  /** The last message of a subject, as the leader of the stream knows it; undefined if there is none. */
  last(stream: string, subject: string, reach: Reach): Promise<StoredMsg | undefined> {
    return this.reach(reach, async () => {
      return (await this.#manager.streams.getMessage(stream, { last_by_subj: subject })) ?? undefined;
    });
  }

  /** The first message of a subject from a sequence on, as the leader of the stream knows it; undefined if there is none. */
  next(stream: string, subject: string, seq: number, reach: Reach): Promise<StoredMsg | undefined> {
    // The leader understands this query, although the client's types offer it only for direct requests.
    const query: NextMsgRequest & { seq: number } = { seq, next_by_subj: subject };
    return this.reach(reach, async () => {
      return (await this.#manager.streams.getMessage(stream, query)) ?? undefined;
    });
  }

  /**
   * Tries to store one message.
   *
   * @returns Its sequence.
   * @throws Errors of the client. The message may be stored nevertheless, now or later.
   */
  async write({ stream, subject, headers, payload, expected, ttlMs }: Write): Promise<number> {
    const expect = { streamName: stream, ...(expected !== undefined && { lastSubjectSequence: expected }) };
    const ttl = ttlMs === undefined ? {} : { ttl: `${Math.max(1, Math.ceil(ttlMs / 1_000))}s` };
    try {
      const { seq } = await this.#client.publish(subject, payload, { headers, timeout: WRITE_MS, expect, ...ttl });
      this.#succeeded();
      return seq;
    } catch (error) {
      this.#failed();
      throw error;
    }
  }

  /** Removes the messages of a subject, or those before a sequence. */
  async purge(stream: string, filter: string, reach: Reach & { readonly before?: number }): Promise<void> {
    const which = reach.before === undefined ? { filter } : { filter, seq: reach.before };
    await this.reach(reach, () => this.#manager.streams.purge(stream, which));
  }

  /** Creates a consumer that delivers messages in their order. End it with {@link drop}. */
  consumer(stream: string, options: Partial<OrderedConsumerOptions>, reach: Reach): Promise<Consumer> {
    return this.reach(reach, () => this.#client.consumers.get(stream, { inactive_threshold: INACTIVE_MS, ...options }));
  }

  /** Removes a consumer. If that fails, the server removes it later. */
  drop(consumer: Consumer): void {
    void consumer.delete().catch(() => {});
  }

  /**
   * Tries a request until it succeeds.
   *
   * @throws {StreamError} `unavailable` if it does not succeed in time; `denied`, `storage`.
   */
  async reach<T>({ path, untilMs = performance.now() + READ_MS }: Reach, request: () => Promise<T>): Promise<T> {
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(MAX_RETRY_MS, waitMs * 2)) {
      try {
        const result = await request();
        this.#succeeded();
        return result;
      } catch (error) {
        this.#failed();
        const final = finalError(error, path);
        if (final) throw final;
        if (performance.now() + waitMs > untilMs) throw lastError(error, path);
      }
      await pause(waitMs);
    }
  }

  #succeeded(): void {
    this.answeredMs = performance.now();
    this.failingSinceMs = undefined;
  }

  #failed(): void {
    this.failingSinceMs ??= performance.now();
  }
}
