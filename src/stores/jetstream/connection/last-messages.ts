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

/** Milliseconds without a message that count as one silence. */
const SILENT_MS = 1_000;

/** Silences in a row after which the servers count as unavailable. */
const MAX_SILENCES = 10;

/** A message that shows how much of a stream has come. */
export interface Mark {
  readonly subject: string;
  readonly seq: number;
  /** Milliseconds after which the server removes it. */
  readonly lifetimeMs: number;
}

/** Which messages. */
export interface LastMessages {
  readonly stream: string;
  /** A pattern of subjects. */
  readonly subjects: string;
  /** A mark in the stream. What comes before it is passed on, also if the server that sends it lags behind. */
  readonly mark: Mark;
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
  const { stream, subjects, mark, path, headersOnly = false, signal } = asked;
  signal?.throwIfAborted();
  const policy = { deliver_policy: DeliverPolicy.LastPerSubject, ...(headersOnly && { headers_only: true }) };
  const consumer = await calls.consumer(stream, { filter_subjects: [subjects, mark.subject], ...policy }, { path });
  try {
    await takeAll(consumer, asked, take);
  } finally {
    calls.drop(consumer);
  }
}

async function takeAll(
  consumer: Consumer,
  { mark, path, signal }: LastMessages,
  take: (message: JsMsg) => void,
): Promise<void> {
  const markedMs = performance.now();
  const messages = await consumer.consume({ max_messages: WINDOW });
  const iterator = messages[Symbol.asyncIterator]();
  try {
    let pending = iterator.next();
    for (let silences = 0; ; ) {
      const next = await within(pending, SILENT_MS);
      signal?.throwIfAborted();
      if (next === LATE) {
        // The mark itself is removed after a while. By then, no server lags behind it.
        const isOver = performance.now() - markedMs > mark.lifetimeMs && (await consumer.info()).num_pending === 0;
        if (isOver) return;
        if (++silences === MAX_SILENCES) throw storeUnavailable(path);
        continue;
      }
      if (next.done) throw storeUnavailable(path);
      const message = next.value;
      silences = 0;
      if (message.subject !== mark.subject) take(message);
      if (message.seq >= mark.seq) return;
      pending = iterator.next();
    }
  } catch (error) {
    throw signal?.aborted ? signal.reason : lastOf(error, path);
  } finally {
    // Not awaited: where a message is missing, it would wait for it.
    void messages.close();
  }
}

function lastOf(error: unknown, path: string): unknown {
  return error instanceof Error && error.name === "StreamError" ? error : storeUnavailable(path, error);
}
