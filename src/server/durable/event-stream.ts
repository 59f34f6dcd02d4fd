/**
 * Server-sent events as the sink of a follow: each piece of data is one event, and a control event follows it.
 * @module
 */
import { isJsonLines, jsonArray } from "../../engine/durable/json-messages.ts";
import type { Sink } from "../../engine/follow/follower.ts";
import { Frame } from "../../engine/follow/frame.ts";
import { formatOffset } from "../../protocol/offset.ts";
import { cutText, join, NO_BYTES } from "../../protocol/utf8.ts";
import { cursorAfter } from "./cursor.ts";

/** How bytes become the data of an event. */
export type EventEncoding = "text" | "json" | "base64";

/** The bytes of one event. */
interface Cut {
  /** Complete characters or messages. */
  readonly whole: Uint8Array;
  /** What has to wait for more. */
  readonly carry: Uint8Array;
}

/** What was made of a frame. All followers at the tail get the same frames. */
const shared = new WeakMap<
  Frame,
  { readonly encoding: EventEncoding; readonly control: string; readonly event: Frame }
>();

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const NEWLINE = 0x0a;

/** Milliseconds after which a browser reconnects, behind the last event: at least, and at most. */
const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 1_000;

/** Most bytes per call of `String.fromCharCode`. */
const CODES = 0x8000;

/** What an {@link EventStream} consists of. */
export interface EventStreamParts {
  /** Takes the encoded events. */
  readonly below: Sink;
  readonly encoding: EventEncoding;
  /** The offset of the first byte. */
  readonly start: number;
  /** The cursor of the request. */
  readonly cursor: string | undefined;
  /** The size of what is followed. */
  readonly tail: () => number;
  /** Called when the bytes are not what the encoding needs. */
  readonly onBroken: () => void;
}

/** Encodes what it is sent, and counts offsets. */
export class EventStream implements Sink {
  readonly #parts: EventStreamParts;
  /** The offset just past the last byte taken. */
  #taken: number;
  #carry: Uint8Array = NO_BYTES;
  #isBroken = false;

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
    const isAlone = this.#carry.length === 0;
    this.#taken += frame.bytes.length;
    const { whole, carry } = this.#cut(frame.bytes);
    this.#carry = carry;
    if (whole.length === 0) return;
    if (isAlone && this.#sendShared(frame)) return;
    if (this.#parts.encoding === "json" && !isJsonLines(whole)) {
      this.#isBroken = true;
      this.#parts.onBroken();
      return;
    }
    this.#event(whole, isAlone ? frame : undefined);
  }

  /** Sends what another client of the same encoding was sent for the same frame, if that is the same. */
  #sendShared(frame: Frame): boolean {
    const known = shared.get(frame);
    if (!known || known.encoding !== this.#parts.encoding || known.control !== this.#controlEvent(false)) return false;
    this.#parts.below.send(known.event);
    return true;
  }

  /**
   * Sends a control event: where the client is.
   *
   * @param isUpToDate Whether the client has everything. Default: if it has all bytes.
   */
  control(isUpToDate?: boolean): void {
    this.#write(this.#controlEvent(false, isUpToDate));
  }

  /** Sends a last control event, behind which the client is to reconnect soon: a browser would wait for seconds. */
  rotate(): void {
    const ms = MIN_RETRY_MS + Math.floor(Math.random() * (MAX_RETRY_MS - MIN_RETRY_MS));
    this.#write(`retry: ${ms}\n${this.#controlEvent(false)}`);
  }

  /** Sends what is left, and that the stream is closed. */
  close(): void {
    const rest = this.#carry;
    this.#carry = NO_BYTES;
    if (rest.length > 0 && this.#parts.encoding === "text") this.#event(rest);
    this.#write(this.#controlEvent(true));
  }

  #cut(bytes: Uint8Array): Cut {
    const { encoding } = this.#parts;
    if (encoding === "base64") return { whole: bytes, carry: NO_BYTES };
    if (encoding === "text") return cutText(this.#carry, bytes);
    const all = this.#carry.length === 0 ? bytes : join(this.#carry, bytes);
    const end = all.lastIndexOf(NEWLINE) + 1;
    return { whole: all.subarray(0, end), carry: new Uint8Array(all.subarray(end)) };
  }

  /** @param frame What it was made of, if that is all. */
  #event(bytes: Uint8Array, frame?: Frame): void {
    const { encoding, below } = this.#parts;
    const control = this.#controlEvent(false);
    const event = new Frame(encoder.encode(`event: data\n${dataOf(bytes, encoding)}\n${control}`), false);
    if (frame) shared.set(frame, { encoding, control, event });
    below.send(event);
  }

  #controlEvent(isClosed: boolean, isAtEnd = this.#taken >= this.#parts.tail()): string {
    const offset = formatOffset(this.#taken - this.#carry.length);
    const isUpToDate = isClosed || isAtEnd;
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
