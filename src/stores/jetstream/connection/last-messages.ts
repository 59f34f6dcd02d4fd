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

/** Milliseconds without a message after which it is checked whether there are more. */
const SILENT_MS = 1_000;

/** Checks in a row that find more messages, which do not come. */
const MAX_SILENCES = 10;

/** Which messages. */
export interface LastMessages {
  readonly stream: string;
  /** A pattern of subjects. */
  readonly subjects: string;
  /** The path that it is about, for messages. */
  readonly path: string;
  /** Whether to leave the payloads out. Default false. */
  readonly headersOnly?: boolean;
  /** Ends it early, with an error. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Passes on the last message of each subject. One that is stored meanwhile may be passed on, too.
 *
 * @throws {StreamError} `unavailable`, `denied`, `storage`; the reason of the signal.
 */
export async function eachLast(calls: Calls, asked: LastMessages, take: (message: JsMsg) => void): Promise<void> {
  const { stream, subjects, path, headersOnly = false, signal } = asked;
  signal?.throwIfAborted();
  const policy = { deliver_policy: DeliverPolicy.LastPerSubject, ...(headersOnly && { headers_only: true }) };
  const consumer = await calls.consumer(stream, { filter_subjects: subjects, ...policy }, { path });
  try {
    const { num_pending: count } = await consumer.info(true);
    if (count > 0) await takeAll(consumer, count, asked, take);
  } finally {
    calls.drop(consumer);
  }
}

/** @param count How many there were at first. Where they are replaced all the time, there may always be one more. */
async function takeAll(
  consumer: Consumer,
  count: number,
  { path, signal }: LastMessages,
  take: (message: JsMsg) => void,
): Promise<void> {
  const messages = await consumer.consume({ max_messages: WINDOW });
  const iterator = messages[Symbol.asyncIterator]();
  try {
    let pending = iterator.next();
    for (let taken = 0, silences = 0; ; ) {
      const next = await within(pending, SILENT_MS);
      signal?.throwIfAborted();
      if (next === LATE) {
        // The last ones may have been removed since.
        if ((await consumer.info()).num_pending === 0) return;
        if (++silences === MAX_SILENCES) throw storeUnavailable(path);
        continue;
      }
      if (next.done) throw storeUnavailable(path);
      take(next.value);
      silences = 0;
      if (++taken >= count || next.value.info.pending === 0) return;
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
