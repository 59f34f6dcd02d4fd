/**
 * Reads records of paths from the leader of their stream.
 * @module
 */
import type { StoredMsg } from "@nats-io/jetstream";
import { StreamError } from "../../../protocol/errors.ts";
import type { Calls } from "../connection/calls.ts";
import type { Layout, Place } from "../layout/layout.ts";
import { recordOf } from "./codec.ts";
import type { Parts, PathRecord } from "./record.ts";

/** A record with its payload. */
export interface StoredRecord {
  readonly record: PathRecord;
  /** The payload of its message. */
  readonly payload: Uint8Array;
}

/** Reads records. */
export class Records {
  readonly layout: Layout;
  readonly calls: Calls;

  constructor(layout: Layout, calls: Calls) {
    this.layout = layout;
    this.calls = calls;
  }

  /**
   * The last record of a path, valid or not; undefined if there is none.
   *
   * @throws {StreamError} `changed` if it is not a record; `unavailable`, `denied`, `storage`.
   */
  async last({ path, stream, subject }: Place, untilMs?: number): Promise<StoredRecord | undefined> {
    return stored(path, await this.calls.last(stream, subject, { path, untilMs }));
  }

  /** The first record of a path from a sequence on; throws as {@link last}. */
  async next({ path, stream, subject }: Place, seq: number, untilMs?: number): Promise<StoredRecord | undefined> {
    return stored(path, await this.calls.next(stream, subject, Math.max(1, seq), { path, untilMs }));
  }

  /**
   * The record with a sequence.
   *
   * @throws {StreamError} `changed` if it is not there any more; and as {@link last}.
   */
  async at(place: Place, seq: number): Promise<StoredRecord> {
    const found = await this.next(place, seq);
    if (found?.record.seq === seq) return found;
    throw new StreamError("changed", `A record of "/${place.path}" is missing.`, { path: place.path });
  }

  /**
   * The bytes of the path in a record, from some offset on, in pieces.
   *
   * @throws {StreamError} `changed` if a part is missing; and as {@link last}.
   */
  dataOf(place: Place, stored: StoredRecord, from: number): AsyncGenerator<Uint8Array, void, void> {
    const { offset, noteBytes = 0 } = stored.record;
    return this.#payloadFrom(place, stored, noteBytes + Math.max(0, from - offset));
  }

  /** The note of a record; throws as {@link dataOf}. */
  async noteBytesOf(place: Place, stored: StoredRecord): Promise<Uint8Array> {
    const bytes = new Uint8Array(stored.record.noteBytes ?? 0);
    let at = 0;
    for await (const piece of this.#payloadFrom(place, stored, 0)) {
      const part = piece.subarray(0, bytes.length - at);
      bytes.set(part, at);
      at += part.length;
      if (at === bytes.length) break;
    }
    return bytes;
  }

  /** The payload of a record from some byte on. */
  async *#payloadFrom(
    place: Place,
    { record, payload }: StoredRecord,
    from: number,
  ): AsyncGenerator<Uint8Array, void, void> {
    const { parts, generation } = record;
    if (!parts) {
      if (from < payload.length) yield payload.subarray(from);
      return;
    }
    const subject = this.layout.parts(place.shard, generation, parts.id);
    const sequences = sequencesIn(payload, parts);
    if (!sequences) throw missingPart(place.path);
    for (let at = Math.floor(from / parts.partBytes); at < sequences.length; at++) {
      const seq = sequences[at] ?? 0;
      const found = await this.calls.next(place.stream, subject, seq, { path: place.path });
      const begin = at * parts.partBytes;
      const bytes = Math.min(parts.partBytes, parts.bytes - begin);
      if (found?.seq !== seq || found.data.length !== bytes) throw missingPart(place.path);
      const piece = found.data.subarray(Math.max(0, from - begin));
      if (piece.length > 0) yield piece;
    }
  }
}

/** The sequences of the parts of a record, as its message has them; undefined if they are not there. */
function sequencesIn(payload: Uint8Array, { partBytes, bytes }: Parts): number[] | undefined {
  try {
    const sequences: unknown = JSON.parse(new TextDecoder().decode(payload));
    const isWhole = Array.isArray(sequences) && sequences.length === Math.ceil(bytes / partBytes);
    return isWhole && sequences.every((seq) => Number.isSafeInteger(seq) && seq > 0) ? sequences : undefined;
  } catch {
    return undefined;
  }
}

/** The record in a message. @throws {StreamError} `changed` if it is not a record. */
export function stored(path: string, message: StoredMsg | undefined): StoredRecord | undefined {
  if (!message) return undefined;
  const { header, seq, data } = message;
  const record = recordOf(header, seq, data.length);
  if (!record) throw foreign(path);
  return { record, payload: data };
}

/** The error about a message that no store has written. */
export function foreign(path: string): StreamError {
  return new StreamError(
    "changed",
    `Another program has written to the subject of "/${path}". Permit only this server to do so.`,
    { path },
  );
}

function missingPart(path: string): StreamError {
  return new StreamError("changed", `A part of a batch of "/${path}" is missing.`, { path });
}
