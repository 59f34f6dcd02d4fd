/**
 * Decoders of HTTP response bodies: of known length, until the end of the connection, or chunked.
 * @module
 */
import type { Body, Head } from "./connection.ts";

/**
 * Creates the decoder of a body from its head. Calls `ended` after the last byte, unless only the connection ends it.
 */
export function httpBody(head: Head, inner: Body, ended: () => void): Body {
  if (/chunked/i.test(head.header("transfer-encoding") ?? "")) return new ChunkedBody(inner, ended);
  const length = head.header("content-length");
  return new PlainBody(inner, length === undefined ? Number.POSITIVE_INFINITY : Number(length), ended);
}

class PlainBody implements Body {
  readonly #inner: Body;
  readonly #ended: () => void;
  #left: number;

  constructor(inner: Body, length: number, ended: () => void) {
    this.#inner = inner;
    this.#left = length;
    this.#ended = ended;
    if (length === 0) ended();
  }

  feed(bytes: Buffer, from: number, to: number): void {
    this.#left -= to - from;
    if (this.#left < 0) throw new Error("The body is longer than its head says.");
    this.#inner.feed(bytes, from, to);
    if (this.#left === 0) this.#ended();
  }
}

const CR = 0x0d;
const LF = 0x0a;

class ChunkedBody implements Body {
  readonly #inner: Body;
  readonly #ended: () => void;
  /** How many bytes of the current chunk have not arrived yet. */
  #left = 0;
  /** The received part of the line with a chunk's size. */
  #line = "";

  constructor(inner: Body, ended: () => void) {
    this.#inner = inner;
    this.#ended = ended;
  }

  feed(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#left > 0) {
        const end = Math.min(to, at + this.#left);
        this.#inner.feed(bytes, at, end);
        this.#left -= end - at;
        at = end;
      } else {
        const byte = bytes[at++] as number;
        if (byte === LF) this.#chunk();
        else if (byte !== CR) this.#line += String.fromCharCode(byte);
      }
    }
  }

  #chunk(): void {
    // The line break after a chunk looks like an empty line.
    if (this.#line === "") return;
    this.#left = Number.parseInt(this.#line, 16);
    this.#line = "";
    if (this.#left === 0) this.#ended();
  }
}
