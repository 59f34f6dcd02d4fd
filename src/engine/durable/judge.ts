/**
 * The rules of a stream: the outcome of an append, given the state of its stream. Pure functions.
 *
 * The order of the checks is part of the protocol: closed, type, producer, `Stream-Seq`, and last the JSON.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { essenceOf, isJsonType } from "../../protocol/media-type.ts";
import { PRODUCER_HEADERS } from "../../protocol/stream-headers.ts";
import { NEWLINE } from "../../support/ascii.ts";
import { concat } from "../../support/concat.ts";
import type { LineTail } from "../append/json-scanner.ts";
import { closedStream } from "../storage/conflicts.ts";
import type { ProducerStamp, ProducerState, StreamChange, StreamState } from "../storage/stream-state.ts";
import { jsonLines } from "./json-messages.ts";

const LINE_END = Uint8Array.of(NEWLINE);

/** What a request asks to append. */
export interface AppendSpec {
  /** The body; may be empty only with {@link closes}. */
  readonly bytes: Uint8Array;
  /** The media type of the body. */
  readonly type: string | undefined;
  /** The required media type if the path has no type on record; undefined for any. */
  readonly expected: string | undefined;
  /** Whether the stream is closed with this append. */
  readonly closes: boolean;
  readonly seq: string | undefined;
  readonly producer: ProducerStamp | undefined;
}

/** The outcome of an append: what to store, or that the server has it already. */
export interface Verdict {
  /** What to store; undefined if nothing changes. */
  readonly batch: { readonly bytes: Uint8Array; readonly change?: StreamChange } | undefined;
  /** The producer's last append, after this one; undefined without a producer. */
  readonly producer: ProducerState | undefined;
  /** Whether the stream is closed after this. */
  readonly closed: boolean;
}

/** The stream that an append is judged for. */
export interface Judged {
  readonly path: string;
  readonly size: number;
  /** Undefined for a plain file. */
  readonly state: StreamState | undefined;
  /** The state of the last line of a stream of JSON; a raw append may have left it unfinished. */
  readonly tail: LineTail;
}

/**
 * Judges an append.
 *
 * @throws {StreamError} `closed`, `mismatch`, `stale_epoch`, `sequence`, `bad_request`, `not_json`
 */
export function judgeAppend({ path, size, state, tail }: Judged, ask: AppendSpec): Verdict {
  const { bytes, closes, producer, seq } = ask;
  if (state?.closed) return judgeClosed(path, size, state.closed.by, ask);
  if (bytes.length > 0) checkType(path, state?.type ?? ask.expected, ask.type);
  const last = producer && judgeProducer(path, state, producer);
  if (last) return { batch: undefined, producer: last, closed: false };
  checkSeq(path, state?.seq, seq);
  const stored = isJsonType(state?.type) ? messagesToStore(path, tail, ask) : bytes;
  const at = size + stored.length;
  const change: StreamChange = {
    ...(seq !== undefined && { seq }),
    ...(producer && { producers: { [producer.id]: { epoch: producer.epoch, seq: producer.seq, at } } }),
    ...(closes && { closed: producer ? { by: producer } : {} }),
  };
  // A stream stores each append whole or not at all, even if nothing else changes.
  const isNoted = state !== undefined || Object.keys(change).length > 0;
  return { batch: { bytes: stored, ...(isNoted && { change }) }, producer, closed: closes };
}

/**
 * The lines of an append to a stream of JSON. The last stored line is ended first, or else the two would be one.
 *
 * @throws {StreamError} `not_json`; `mismatch` if the last line is an unfinished message.
 */
function messagesToStore(path: string, tail: LineTail, { bytes, closes }: AppendSpec): Uint8Array {
  const lines = bytes.length > 0 ? jsonLines(bytes) : bytes;
  if (lines.length === 0 && bytes.length > 0) {
    throw new StreamError("not_json", "An empty array has no messages to append.", { path });
  }
  if (tail === "unfinished" && lines.length > 0) {
    const message = `The last line of "/${path}" is an unfinished message. Append the rest with "?verb=APPEND"; "?raw" shows it.`;
    throw new StreamError("mismatch", message, { path });
  }
  return tail === "value" && (lines.length > 0 || closes) ? concat([LINE_END, lines], lines.length + 1) : lines;
}

/** Judges an append to a closed stream: only the append that closed it may be repeated. */
function judgeClosed(
  path: string,
  size: number,
  by: ProducerStamp | undefined,
  { bytes, closes, producer }: AppendSpec,
): Verdict {
  const isRepeated = producer ? by !== undefined && isSameStamp(by, producer) : closes && bytes.length === 0;
  if (isRepeated) return { batch: undefined, producer, closed: true };
  throw closedStream(path, size);
}

/** @throws {StreamError} `sequence` unless the text sorts after the last one by its bytes. */
function checkSeq(path: string, last: string | undefined, seq: string | undefined): void {
  // The values of headers have one byte per code unit.
  if (seq === undefined || last === undefined || seq > last) return;
  const message = `The Stream-Seq sequence of "/${path}" must grow: ${JSON.stringify(seq)} does not come after ${JSON.stringify(last)}.`;
  throw new StreamError("sequence", message, { path });
}

/**
 * Checks the type of appended bytes. Only what comes before the parameters counts, in any case.
 *
 * @throws {StreamError} `mismatch`
 */
function checkType(path: string, expected: string | undefined, given: string | undefined): void {
  if (expected === undefined || essenceOf(expected) === essenceOf(given)) return;
  const message = `"/${path}" has the type ${expected}, not ${given ?? "(none)"}. Send the same Content-Type.`;
  throw new StreamError("mismatch", message, { path });
}

/**
 * Judges a producer's numbers.
 *
 * @returns Its last append, if this one is a repetition; undefined if it is new.
 * @throws {StreamError} `stale_epoch`, `sequence`, `bad_request`
 */
function judgeProducer(
  path: string,
  state: StreamState | undefined,
  { id, epoch, seq }: ProducerStamp,
): ProducerState | undefined {
  const known = state && Object.hasOwn(state.producers, id) ? state.producers[id] : undefined;
  if (known && epoch < known.epoch) {
    const message = `The producer ${JSON.stringify(id)} of "/${path}" is at epoch ${known.epoch}; this request has ${epoch}.`;
    throw new StreamError("stale_epoch", message, { path, headers: { [PRODUCER_HEADERS.epoch]: String(known.epoch) } });
  }
  if (known && epoch > known.epoch && seq !== 0) {
    throw new StreamError("bad_request", "A new Producer-Epoch begins with the Producer-Seq 0.", { path });
  }
  const isSameEpoch = known?.epoch === epoch;
  if (known && isSameEpoch && seq <= known.seq) return known;
  const expected = known && isSameEpoch ? known.seq + 1 : 0;
  if (seq === expected) return undefined;
  const headers = { [PRODUCER_HEADERS.expected]: String(expected), [PRODUCER_HEADERS.received]: String(seq) };
  const message = `The sequence of the producer ${JSON.stringify(id)} of "/${path}" has a gap: expected ${expected}, received ${seq}.`;
  throw new StreamError("sequence", message, { path, headers });
}

function isSameStamp(one: ProducerStamp, other: ProducerStamp): boolean {
  return one.id === other.id && one.epoch === other.epoch && one.seq === other.seq;
}
