/**
 * Writes records of paths.
 * @module
 */
import type { StoredMsg } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import { StreamError } from "../../../protocol/errors.ts";
import { storeOnce } from "../connection/store-once.ts";
import type { Place } from "../layout/layout.ts";
import { type ChainPoint, Gap, isNext } from "../records/chain.ts";
import { headersOf, recordOf } from "../records/codec.ts";
import type { Parts, PathRecord, RecordFields } from "../records/record.ts";
import { type Core, newId } from "./core.ts";

/** Bytes of the largest note that is in the message of its record. */
export const NOTE_BYTES: number = 64 * 1024;

/** A record to write. */
export interface Put {
  readonly place: Place;
  readonly fields: RecordFields;
  readonly payload: Uint8Array;
  /** What the record continues. */
  readonly point: ChainPoint;
  /** The sequence of the last record, valid or not; 0 if there is none. */
  readonly last: number;
  /** Milliseconds after which the server removes the record. Default: never. */
  readonly ttlMs?: number | undefined;
}

/** A record that is stored, or the one that is there instead; `vanished` if the last record has ended. */
export type PutOutcome =
  | { readonly kind: "stored"; readonly record: PathRecord }
  | { readonly kind: "other"; readonly record: PathRecord | undefined }
  | { readonly kind: "vanished" };

/**
 * Writes a record behind the last one of its path.
 *
 * @throws {StreamError} `unavailable` if it can't be found out whether it is stored; `no_space`, `denied`.
 */
export async function put(core: Core, { place, fields, payload, point, last, ttlMs }: Put): Promise<PutOutcome> {
  const { stream, subject, path } = place;
  const gap = new Gap(last);
  const judge = (found: StoredMsg): "mine" | "void" | "other" => {
    const record = recordOf(found.header, found.seq, found.data.length);
    if (record?.id === fields.id) return "mine";
    return !record || isNext(point, record) || gap.isBefore(record) ? "other" : "void";
  };
  const outcome = await storeOnce(core.calls, {
    write: { stream, subject, headers: headersOf(fields), payload, expected: last, ttlMs },
    path,
    untilMs: performance.now() + core.giveUpMs,
    // Only a tombstone has a time to live.
    mayVanish: point.generation === "",
    judge,
    stepDown: () => core.leaders.stepDown(stream),
  });
  if (outcome.kind === "stored") {
    return { kind: "stored", record: { ...fields, seq: outcome.seq, payloadBytes: payload.length } };
  }
  if (outcome.kind === "vanished") return outcome;
  const { header, seq, data } = outcome.found;
  return { kind: "other", record: recordOf(header, seq, data.length) };
}

/** Parts that are stored, and the payload of the record that refers to them. */
export interface PutParts {
  readonly parts: Parts;
  readonly payload: Uint8Array;
}

/**
 * Stores a payload that is too large for one message, in parts. It counts once a record refers to it, and is removed with
 * its content.
 *
 * @throws {StreamError} as {@link put}.
 */
export async function putParts(
  core: Core,
  place: Place,
  generation: string,
  pieces: readonly Uint8Array[],
): Promise<PutParts> {
  const id = newId();
  const subject = core.layout.parts(place.shard, generation, id);
  const payloads = cut(pieces, core.messageBytes);
  const sequences: number[] = [];
  for (const [index, payload] of payloads.entries()) {
    const own = headers();
    own.set("I", String(index));
    const outcome = await storeOnce(core.calls, {
      write: { stream: place.stream, subject, headers: own, payload, expected: sequences.at(-1) ?? 0 },
      path: place.path,
      untilMs: performance.now() + core.giveUpMs,
      judge: ({ header }) => (header.get("I") === String(index) ? "mine" : "other"),
      stepDown: () => core.leaders.stepDown(place.stream),
    });
    if (outcome.kind !== "stored") {
      throw new StreamError("changed", `Another program has written to a batch of "/${place.path}".`, {
        path: place.path,
      });
    }
    sequences.push(outcome.seq);
  }
  const bytes = payloads.reduce((sum, { length }) => sum + length, 0);
  const payload = new TextEncoder().encode(JSON.stringify(sequences));
  return { parts: { id, partBytes: core.messageBytes, bytes }, payload };
}

/** Cuts pieces that follow one another into payloads of at most some bytes. */
export function cut(pieces: readonly Uint8Array[], maxBytes: number): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  let room = 0;
  let last: Uint8Array | undefined;
  const total = pieces.reduce((sum, { length }) => sum + length, 0);
  let left = total;
  for (const piece of pieces) {
    for (let rest = piece; rest.length > 0; ) {
      if (!last || room === 0) {
        last = new Uint8Array(Math.min(maxBytes, left));
        room = last.length;
        payloads.push(last);
      }
      const part = rest.subarray(0, room);
      last.set(part, last.length - room);
      room -= part.length;
      left -= part.length;
      rest = rest.subarray(part.length);
    }
  }
  return payloads;
}
