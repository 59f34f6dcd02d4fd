/**
 * Determines the size of a message from its frame headers, before it is complete. The package `ws` has one limit for
 * messages of every kind, but a control message of `httpfstream.v1` must be far smaller than one with data.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import type { MessageLimit, MessageLimits } from "../../server/platform/message-limits.ts";

/** Maximum number of frames per message: each buffered frame costs memory, however short it is. */
export const MAX_FRAGMENTS: number = 16 * 1024;

/** Refuses a message in more frames. */
const FRAGMENTS: MessageLimit = {
  bytes: 0,
  refusal: () => new StreamError("protocol", `A message may have at most ${MAX_FRAGMENTS} frames. Send longer frames.`),
};

/** Bytes of the longest header. */
const HEADER_BYTES = 14;

/** Bytes of the header of a masked frame with a 7-bit length. */
const SHORT_HEADER_BYTES = 6;

/** First opcode of the frames that belong to no message: close, ping and pong. */
const FIRST_CONTROL_OPCODE = 0x8;

/**
 * Parses the frames of a client (RFC 6455 section 5.2) without their payload.
 *
 * @example
 * ```ts
 * const watch = new MessageWatch(FOLLOWER_LIMITS);
 * watch.look(Uint8Array.of(0x81, 0xff, 0, 0, 0, 0, 0, 2, 0, 0, 1, 2, 3, 4))?.bytes; // 65536
 * ```
 */
export class MessageWatch {
  readonly #max: MessageLimits;
  /** The limit of the current message, and its bytes so far. */
  #limit: MessageLimit;
  #bytes = 0;
  #frames = 0;
  /** Bytes of the current frame's payload that have not arrived yet. */
  #left = 0;
  /** A header that has arrived only in part. */
  #header: Uint8Array | undefined;
  #headerBytes = 0;

  constructor(max: MessageLimits) {
    this.#max = max;
    this.#limit = max.binary;
  }

  /** Parses received bytes. Returns the limit that a message exceeds, if one does. */
  look(chunk: Uint8Array): MessageLimit | undefined {
    const { length } = chunk;
    let at = 0;
    while (at < length) {
      // Hot path: most input consists of consecutive short messages, which this loop alone skips.
      at += this.#left;
      this.#left = 0;
      while (this.#headerBytes === 0 && at + SHORT_HEADER_BYTES <= length && isShort(chunk, at)) {
        at += SHORT_HEADER_BYTES + ((chunk[at + 1] as number) & 0x7f);
      }
      if (at >= length) {
        this.#left = at - length;
        break;
      }
      const size = this.#headerBytes === 0 ? headerSize(chunk, at) : 0;
      if (size > 0) {
        this.#begin(chunk, at);
        at += size;
      } else {
        this.#gather(chunk[at++] as number);
      }
      if (this.#bytes > this.#limit.bytes) return this.#limit;
      if (this.#frames > MAX_FRAGMENTS) return FRAGMENTS;
    }
    return undefined;
  }

  #gather(byte: number): void {
    this.#header ??= new Uint8Array(HEADER_BYTES);
    this.#header[this.#headerBytes++] = byte;
    const header = this.#header.subarray(0, this.#headerBytes);
    if (headerSize(header, 0) === 0) return;
    this.#headerBytes = 0;
    this.#begin(header, 0);
  }

  #begin(bytes: Uint8Array, at: number): void {
    const opcode = (bytes[at] as number) & 0x0f;
    this.#left = payloadBytes(bytes, at);
    if (opcode >= FIRST_CONTROL_OPCODE) return;
    if (opcode !== 0) {
      this.#limit = opcode === 1 ? this.#max.text : this.#max.binary;
      this.#bytes = 0;
      this.#frames = 0;
    }
    this.#frames++;
    this.#bytes += this.#left;
  }
}

/**
 * Whether a complete message begins here: one masked data frame of less than 126 bytes. Such a message is buffered
 * before it can be refused.
 */
function isShort(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at] as number;
  const second = bytes[at + 1] as number;
  return (first === 0x81 || first === 0x82) && second >= 0x80 && second < 0x80 + 126;
}

/** Bytes of the header that begins here; 0 if it is incomplete. */
function headerSize(bytes: Uint8Array, at: number): number {
  const second = bytes[at + 1];
  if (second === undefined) return 0;
  const length = second & 0x7f;
  const size = 2 + (length < 126 ? 0 : length === 126 ? 2 : 8) + (second & 0x80 ? 4 : 0);
  return bytes.length - at < size ? 0 : size;
}

function payloadBytes(bytes: Uint8Array, at: number): number {
  const length = (bytes[at + 1] as number) & 0x7f;
  if (length < 126) return length;
  const count = length === 126 ? 2 : 8;
  let value = 0;
  for (let next = at + 2; next < at + 2 + count; next++) value = value * 256 + (bytes[next] as number);
  return value;
}
