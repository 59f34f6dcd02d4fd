/**
 * Server-sent events as the sink of a follow: each piece of data is one event, and a control event follows it.
 * @module
 */
import { isJsonLines, jsonArray } from "../../engine/durable/json-messages.ts";
import type { Sink } from "../../engine/follow/follower.ts";
import { Frame } from "../../engine/follow/frame.ts";
import { formatOffset } from "../../protocol/offset.ts";
import { cutText } from "../../protocol/utf8.ts";
import { NEWLINE } from "../../support/ascii.ts";
import { concat } from "../../support/concat.ts";
import { cursorAfter } from "./cursor.ts";

/** How bytes become the data of an event. */
export type EventEncoding = "text" | "json" | "base64";

/** The encoding of a frame and of the bytes carried over to it. All followers at the tail get the same frames. */
const shared = new WeakMap<
  Frame,
  { readonly encoding: EventEncoding; readonly from: number; readonly control: string; readonly event: Frame }
>();

/** The pieces of the message that is unfinished at the end of a frame, for all followers that have its beginning. */
const unfinished = new WeakMap<Frame, { readonly from: number; readonly pieces: readonly Uint8Array[] }>();

/** Maximum bytes of small pieces that are joined. */
const MAX_JOINED = 64 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Milliseconds after which a browser reconnects, behind the last event: at least, and at most. */
const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 1_000;

/** Maximum bytes per call of `String.fromCharCode`. */
const CODES = 0x8000;

/** The parts of an {@link EventStream}. */
export interface EventStreamParts {
  /** Receives the encoded events. */
  readonly below: Sink;
  readonly encoding: EventEncoding;
  /** The offset of the first byte. */
  readonly start: number;
  /** The cursor of the request. */
  readonly cursor: string | undefined;
  /** The size of what is followed. */
  readonly tail: () => number;
  /** The final size of what is followed, once it is known to be closed. */
  readonly finalSize: () => number | undefined;
  /** Called when the bytes are not what the encoding needs. */
  readonly onBroken: () => void;
}

/** Encodes what it is sent, and counts offsets. */
export class EventStream implements Sink {
  readonly #parts: EventStreamParts;
  /** The offset just past the last byte accepted. */
  #taken: number;
  /** Bytes of an incomplete character or message. The pieces of a message are shared by all followers at the tail. */
  #carry: readonly Uint8Array[] = [];
  #carried = 0;
  #isBroken = false;
  /** Whether the client knows that it has all of a closed stream. */
  #isToldAll = false;

  constructor(parts: EventStreamParts) {
    this.#parts = parts;
    this.#taken = parts.start;
  }

  get pending(): number {
    return this.#parts.below.pending;
  }

  drained(bytes: number): Promise<void> {
    return this.#parts.below.drained(bytes);
  }

  send(frame: Frame): void {
    if (this.#isBroken) return;
    const from = this.#taken - this.#carried;
    this.#taken += frame.bytes.length;
    const pieces = this.#cut(frame, from);
    if (pieces.length === 0 || this.#sendShared(frame, from)) return;
    const whole = concat(pieces, lengthOf(pieces));
    if (this.#parts.encoding === "json" && !isJsonLines(whole)) {
      this.#isBroken = true;
      this.#parts.onBroken();
      return;
    }
    const event = this.#event(whole);
    shared.set(frame, { ...event, encoding: this.#parts.encoding, from });
    this.#parts.below.send(event.event);
  }

  /** Sends what another client of the same encoding was sent for the same frame, if that is the same. */
  #sendShared(frame: Frame, from: number): boolean {
    const known = shared.get(frame);
    if (known?.encoding !== this.#parts.encoding || known.from !== from) return false;
    if (known.control !== this.#controlEvent()) return false;
    this.#parts.below.send(known.event);
    return true;
  }

  /**
   * Sends a control event: where the client is.
   *
   * @param isUpToDate Whether the client has everything. Default: if it has all bytes.
   */
  control(isUpToDate?: boolean): void {
    this.#write(this.#controlEvent(this.#hasAll, isUpToDate));
  }

  /** Sends a last control event, behind which the client is to reconnect soon: a browser would wait for seconds. */
  rotate(): void {
    const ms = MIN_RETRY_MS + Math.floor(Math.random() * (MAX_RETRY_MS - MIN_RETRY_MS));
    this.#write(`retry: ${ms}\n${this.#controlEvent()}`);
  }

  /** Sends what is left, and that the stream is closed. */
  close(): void {
    const rest = concat(this.#carry, this.#carried);
    this.#keep([]);
    if (rest.length > 0 && this.#parts.encoding === "text") this.#parts.below.send(this.#event(rest, true).event);
    if (!this.#isToldAll) this.#write(this.#controlEvent(true));
  }

  /** Whether the stream is closed, and all of it was sent. */
  get #hasAll(): boolean {
    return this.#carried === 0 && this.#parts.finalSize() === this.#taken;
  }

  /** The complete characters or messages, in pieces; empty if there is only the beginning of one. */
  #cut(frame: Frame, from: number): readonly Uint8Array[] {
    const { encoding } = this.#parts;
    const { bytes } = frame;
    if (encoding === "base64") return [bytes];
    if (encoding === "text") {
      const { whole, carry } = cutText(concat(this.#carry, this.#carried), bytes);
      this.#keep(carry.length > 0 ? [carry] : []);
      return whole.length > 0 ? [whole] : [];
    }
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.#keep(unfinishedAt(frame, from, this.#carry));
      return [];
    }
    const whole = [...this.#carry, bytes.subarray(0, end)];
    // A copy keeps no whole frame in memory for a few bytes.
    const rest = bytes.subarray(end);
    this.#keep(rest.length > 0 ? [rest.length * 2 > bytes.length ? rest : new Uint8Array(rest)] : []);
    return whole;
  }

  #keep(carry: readonly Uint8Array[]): void {
    this.#carry = carry;
    this.#carried = lengthOf(carry);
  }

  #event(bytes: Uint8Array, isClosed = this.#hasAll): { readonly control: string; readonly event: Frame } {
    const control = this.#controlEvent(isClosed);
    const data = dataOf(bytes, this.#parts.encoding);
    return { control, event: new Frame(encoder.encode(`event: data\n${data}\n${control}`), false) };
  }

  #controlEvent(isClosed = this.#hasAll, isAtEnd = this.#taken >= this.#parts.tail()): string {
    const offset = formatOffset(this.#taken - this.#carried);
    const isUpToDate = isClosed || isAtEnd;
    this.#isToldAll ||= isClosed;
    const control = {
      streamNextOffset: offset,
      ...(isClosed ? {} : { streamCursor: cursorAfter(this.#parts.cursor) }),
      ...(isUpToDate && { upToDate: true }),
      ...(isClosed && { streamClosed: true }),
    };
    return `event: control\ndata:${JSON.stringify(control)}\nid: ${offset}\n\n`;
  }

  #write(text: string): void {
    this.#parts.below.send(new Frame(encoder.encode(text), false));
  }
}

/** The pieces of a message that a frame continues with. */
function unfinishedAt(frame: Frame, from: number, before: readonly Uint8Array[]): readonly Uint8Array[] {
  const known = unfinished.get(frame);
  if (known?.from === from) return known.pieces;
  const pieces = [...before];
  let last = frame.bytes;
  // Joined pair by pair, each byte of many small pieces is copied only a few times.
  for (let other = pieces.at(-1); other && other.length <= last.length; other = pieces.at(-1)) {
    if (other.length + last.length > MAX_JOINED) break;
    pieces.pop();
    last = concat([other, last], other.length + last.length);
  }
  pieces.push(last);
  unfinished.set(frame, { from, pieces });
  return pieces;
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((length, piece) => length + piece.length, 0);
}

/** The lines of an event. A client joins them by line feeds. */
function dataOf(bytes: Uint8Array, encoding: EventEncoding): string {
  if (encoding === "base64") return `data:${base64(bytes)}\n`;
  const text = decoder.decode(encoding === "json" ? jsonArray(bytes) : bytes);
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => `data:${line}\n`)
    .join("");
}

function base64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += CODES) binary += String.fromCharCode(...bytes.subarray(at, at + CODES));
  return btoa(binary);
}
