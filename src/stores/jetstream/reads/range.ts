/**
 * The bytes of a range of a path, in pieces.
 * @module
 */
import { type Consumer, type ConsumerMessages, DeliverPolicy, type JsMsg } from "@nats-io/jetstream";
import { storeUnavailable } from "../../../engine/storage/unavailable.ts";
import { StreamError } from "../../../protocol/errors.ts";
import { LATE, within } from "../connection/pause.ts";
import type { Place } from "../layout/layout.ts";
import { Chain, pointAfter } from "../records/chain.ts";
import { recordOf } from "../records/codec.ts";
import { endOf } from "../records/record.ts";
import { foreign, type Records, type StoredRecord } from "../records/stored.ts";

/** Records that are read one by one, before a consumer is created. */
const SINGLE_RECORDS = 2;

/** Bytes that a consumer sends in advance, about. */
const WINDOW_BYTES = 1024 * 1024;

/** Fewest and most records that it sends in advance. */
const MIN_WINDOW = 4;
const MAX_WINDOW = 256;

/** Milliseconds without a record after which one is read without the consumer. */
const SILENT_MS = 5_000;

/** The same for the first record: a request of a new consumer is lost if the servers do not know yet where it is. */
const FIRST_MS = 150;

/** What to read. */
export interface RangeOf {
  readonly place: Place;
  /** Offset of the first byte. */
  readonly from: number;
  /** Offset just past the last byte. */
  readonly to: number;
  /** The record with the first byte. */
  readonly first: StoredRecord;
}

/** Reads the records of a range. */
export class RangeRecords {
  readonly #records: Records;
  readonly #range: RangeOf;
  readonly #chain: Chain;
  #consumer: Consumer | undefined;
  #messages: ConsumerMessages | undefined;
  #iterator: AsyncIterator<JsMsg> | undefined;
  /** Whether the consumer has sent a record. */
  #hasBegun = false;
  /** The sequence of the last record that was seen, valid or not. */
  #seen: number;
  #singles = 0;
  #isClosed = false;

  constructor(records: Records, range: RangeOf) {
    this.#records = records;
    this.#range = range;
    const { record } = range.first;
    this.#chain = new Chain(pointAfter(record));
    this.#seen = record.seq;
  }

  /** The pieces of the range, each of at least one byte. */
  async *pieces(): AsyncGenerator<Uint8Array, void, void> {
    const { place, from, to } = this.#range;
    let stored = this.#range.first;
    let at = from;
    for (;;) {
      for await (const piece of this.#records.dataOf(place, stored, at)) {
        const wanted = piece.subarray(0, to - at);
        at += wanted.length;
        yield wanted;
        if (at === to) return;
      }
      if (this.#isClosed) return;
      stored = await this.#next();
    }
  }

  /** Ends the read, and removes its consumer. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#dropConsumer();
  }

  /** The next valid record with bytes. */
  async #next(): Promise<StoredRecord> {
    const { place } = this.#range;
    const { generation } = this.#range.first.record;
    for (;;) {
      const found = await this.#nextSeen();
      if (!found) throw missing(place.path);
      this.#seen = found.record.seq;
      if (!this.#chain.take(found.record)) continue;
      if (found.record.generation !== generation || found.record.type === "x") throw missing(place.path);
      if (endOf(found.record) > found.record.offset) return found;
    }
  }

  async #nextSeen(): Promise<StoredRecord | undefined> {
    const { place } = this.#range;
    if (this.#singles++ < SINGLE_RECORDS) return await this.#records.next(place, this.#seen + 1);
    const iterator = this.#iterator ?? (await this.#consume());
    const next = await within(iterator.next(), this.#hasBegun ? SILENT_MS : FIRST_MS);
    if (this.#isClosed) throw storeUnavailable(place.path);
    if (next === LATE || next.done) {
      // The server of the consumer may be gone. The leader may have the record.
      this.#dropConsumer();
      this.#singles = 0;
      return await this.#records.next(place, this.#seen + 1);
    }
    this.#hasBegun = true;
    const { headers, seq, data } = next.value;
    const record = recordOf(headers, seq, data.length);
    if (!record) throw foreign(place.path);
    return { record, payload: data };
  }

  async #consume(): Promise<AsyncIterator<JsMsg>> {
    const { place, first } = this.#range;
    const options = {
      filter_subjects: place.subject,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#seen + 1,
    };
    const consumer = await this.#records.calls.consumer(place.stream, options, { path: place.path });
    if (this.#isClosed) {
      this.#records.calls.drop(consumer);
      throw storeUnavailable(place.path);
    }
    const fitting = Math.floor(WINDOW_BYTES / Math.max(1, first.record.payloadBytes));
    const window = Math.min(MAX_WINDOW, Math.max(MIN_WINDOW, fitting));
    this.#consumer = consumer;
    this.#messages = await consumer.consume({ max_messages: window });
    this.#iterator = this.#messages[Symbol.asyncIterator]();
    this.#hasBegun = false;
    return this.#iterator;
  }

  #dropConsumer(): void {
    void this.#messages?.close();
    if (this.#consumer) this.#records.calls.drop(this.#consumer);
    this.#consumer = undefined;
    this.#messages = undefined;
    this.#iterator = undefined;
  }
}

function missing(path: string): StreamError {
  return new StreamError("changed", `"/${path}" has fewer bytes than were stored.`, { path });
}
