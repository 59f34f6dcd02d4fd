/**
 * The last message of each of many subjects.
 * @module
 */
import { type Consumer, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { storeUnavailable } from "../../../engine/storage/unavailable.ts";
import type { Calls } from "./calls.ts";
import { LATE, within } from "./pause.ts";

/** Messages that are requested at once. */
const WINDOW = 512;

/** Milliseconds for the first message. Twice as many with each further consumer, up to {@link SILENT_MS}. */
const FIRST_MS = 150;

/** Milliseconds without a message after which it is checked whether there are more. */
const SILENT_MS = 1_000;

/** Milliseconds without a message after which the servers count as unavailable. */
const GIVE_UP_MS = 10_000;

/** A message that shows how much of a stream has been received. */
export interface Mark {
  readonly subject: string;
  readonly seq: number;
  /** When it was stored, on the clock of `performance.now()`. */
  readonly storedMs: number;
  /** Milliseconds after which the server removes it; 0 if there was no room for it. */
  readonly lifetimeMs: number;
}

/** Which messages. */
export interface LastMessages {
  readonly stream: string;
  /** A pattern of subjects. */
  readonly subjects: string;
  /** The subject of the marks of the stream. */
  readonly markSubject: string;
  /** Stores a mark in the stream. What comes before it is passed on, also if the server that sends it lags behind. */
  readonly mark: () => Promise<Mark>;
  /** The path that it is about, for messages. */
  readonly path: string;
  /** Whether to leave the payloads out. Default false. */
  readonly headersOnly?: boolean;
  /** Ends it early, with an error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Passes on the last message of each subject, in the order of the stream. One that is stored meanwhile may be passed on, too.
 *
 * @throws {StreamError} `unavailable`, `denied`, `storage`; the reason of the signal.
 */
export async function eachLast(calls: Calls, asked: LastMessages, take: (message: JsMsg) => void): Promise<void> {
  const { stream, subjects, markSubject, path, headersOnly = false, signal } = asked;
  const policy = { deliver_policy: DeliverPolicy.LastPerSubject, ...(headersOnly && { headers_only: true }) };
  const beganMs = performance.now();
  for (let firstMs = FIRST_MS; ; firstMs = Math.min(firstMs * 2, SILENT_MS)) {
    signal?.throwIfAborted();
    const consumer = await calls.consumer(stream, { filter_subjects: [subjects, markSubject], ...policy }, { path });
    try {
      // Of a subject with a message behind the mark, a consumer that was made later would send that one alone.
      const mark = await asked.mark();
      if (await takeAll(consumer, { mark, path, signal }, firstMs, take)) return;
    } finally {
      calls.drop(consumer);
    }
    if (performance.now() - beganMs > GIVE_UP_MS) throw storeUnavailable(path);
  }
}

/** What is known of the messages while they arrive. */
interface Arriving extends Pick<LastMessages, "path" | "signal"> {
  readonly mark: Mark;
}

/** @returns Whether all messages were received; false if none was within `firstMs`. */
async function takeAll(
  consumer: Consumer,
  asked: Arriving,
  firstMs: number,
  take: (message: JsMsg) => void,
): Promise<boolean> {
  const { mark } = asked;
  const messages = await consumer.consume({ max_messages: WINDOW });
  const arrivals = new Arrivals(consumer, messages, asked);
  try {
    for (;;) {
      const message = await arrivals.next(firstMs);
      if (!message) return arrivals.isOver;
      if (message.subject !== mark.subject) take(message);
      if (message.seq >= mark.seq) return true;
    }
  } catch (error) {
    throw lastOf(error, asked);
  } finally {
    // Not awaited: the client would wait for a missing message.
    void messages.close();
  }
}

/** The messages of a consumer, as they arrive. */
class Arrivals {
  /** Whether there are no more. */
  isOver = false;
  /** How many the server had sent when the last one arrived. */
  #sent = 0;
  readonly #consumer: Consumer;
  readonly #iterator: AsyncIterator<JsMsg>;
  readonly #asked: Arriving;

  constructor(consumer: Consumer, messages: AsyncIterable<JsMsg>, asked: Arriving) {
    this.#consumer = consumer;
    this.#iterator = messages[Symbol.asyncIterator]();
    this.#asked = asked;
  }

  /**
   * Waits for the next one.
   *
   * @returns Undefined if there are no more, or if the first one does not arrive within `firstMs`: the request for
   * messages is lost if the servers do not know yet where the consumer is.
   * @throws {StreamError} `unavailable` if none comes for long; the reason of the signal.
   */
  async next(firstMs: number): Promise<JsMsg | undefined> {
    const { path, signal, mark } = this.#asked;
    const pending = this.#iterator.next();
    const beganMs = performance.now();
    while (performance.now() - beganMs < GIVE_UP_MS) {
      const isFirst = this.#sent === 0;
      const next = await within(pending, isFirst || mark.lifetimeMs === 0 ? firstMs : SILENT_MS);
      signal?.throwIfAborted();
      if (next !== LATE) {
        if (next.done) break;
        this.#sent = next.value.info.deliverySequence;
        return next.value;
      }
      this.isOver = await this.#hasAll();
      if (isFirst || this.isOver) return undefined;
    }
    throw storeUnavailable(path);
  }

  /** Whether all have arrived although the mark has not: it was removed, and no server lags behind it any more. */
  async #hasAll(): Promise<boolean> {
    const { storedMs, lifetimeMs } = this.#asked.mark;
    if (performance.now() - storedMs <= lifetimeMs) return false;
    // The servers may not know yet where the consumer is.
    const info = await this.#consumer.info().catch(() => undefined);
    return info?.num_pending === 0 && info.delivered.consumer_seq === this.#sent;
  }
}

function lastOf(error: unknown, { path, signal }: Arriving): unknown {
  if (signal?.aborted) return signal.reason;
  return error instanceof Error && error.name === "StreamError" ? error : storeUnavailable(path, error);
}
