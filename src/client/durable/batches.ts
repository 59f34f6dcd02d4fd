/**
 * The bytes that an append has yet to send, cut into the bodies of its requests.
 * @module
 */
import { StreamError } from "../../protocol/errors.ts";
import { CLOSING_BRACKET, COMMA, NEWLINE, OPENING_BRACKET } from "../../support/ascii.ts";
import { concat } from "../../support/concat.ts";
import { BATCH_BYTES, MESSAGE_BYTES } from "../connection/limits.ts";

/** The body of one request. */
export interface Batch {
  readonly body: Uint8Array;
  /** Bytes of the source that it has. */
  readonly bytes: number;
}

/** A queue of bytes that is emptied in batches. */
export interface Batches {
  /** Bytes of the source that wait. */
  readonly length: number;
  /**
   * Adds a copy of bytes; the caller may reuse its buffer.
   *
   * @throws {StreamError} `not_json`, `too_large`
   */
  push(bytes: Uint8Array): void;
  /**
   * Removes and returns the next batch; undefined if the queue is empty.
   *
   * @param ending Whether no more bytes will be added.
   * @throws {StreamError} `not_json`
   */
  take(ending: boolean): Batch | undefined;
}

/** Batches of bytes. */
export class ByteBatches implements Batches {
  length = 0;
  #pieces: Uint8Array[] = [];

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    // Not `slice`, with which a Buffer shares its memory.
    this.#pieces.push(new Uint8Array(bytes));
    this.length += bytes.length;
  }

  take(): Batch | undefined {
    const [first] = this.#pieces;
    if (!first) return undefined;
    let bytes = Math.min(first.length, BATCH_BYTES);
    let count = 1;
    for (; count < this.#pieces.length && bytes < BATCH_BYTES; count++) bytes += this.#pieces[count]?.length ?? 0;
    const taken = concat(this.#pieces.splice(0, first.length > BATCH_BYTES ? 1 : count), bytes);
    const body = taken.subarray(0, BATCH_BYTES);
    if (taken.length > body.length) this.#pieces.unshift(taken.subarray(body.length));
    this.length -= body.length;
    return { body, bytes: body.length };
  }
}

/** A message, and the number of bytes of the source with which it ends. */
interface Message {
  readonly text: Uint8Array;
  readonly bytes: number;
}

/** Batches of JSON messages. The source has one message per line; empty lines are skipped. */
export class JsonBatches implements Batches {
  length = 0;
  readonly #path: string;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #messages: Message[] = [];
  /** The line that is not complete yet. */
  #line: Uint8Array[] = [];
  #lineBytes = 0;
  #lines = 0;

  /** @param path The resource, for messages. */
  constructor(path: string) {
    this.#path = path;
  }

  push(given: Uint8Array): void {
    const bytes = new Uint8Array(given);
    this.length += bytes.length;
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, at)) {
      this.#add(bytes.subarray(at, end + 1));
      this.#endLine();
      at = end + 1;
    }
    if (at < bytes.length) this.#add(bytes.subarray(at));
  }

  take(ending: boolean): Batch | undefined {
    if (ending && this.#lineBytes > 0) this.#endLine();
    const [first] = this.#messages;
    if (!first) return undefined;
    let size = first.text.length;
    let count = 1;
    for (; count < this.#messages.length; count++) {
      size += this.#messages[count]?.text.length ?? 0;
      if (size > BATCH_BYTES) break;
    }
    const taken = this.#messages.splice(0, count);
    const pieces = taken.flatMap(({ text }, index) => [Uint8Array.of(index === 0 ? OPENING_BRACKET : COMMA), text]);
    pieces.push(Uint8Array.of(CLOSING_BRACKET));
    const bytes = taken.reduce((sum, message) => sum + message.bytes, 0);
    this.length -= bytes;
    return { body: concat(pieces, sizeOf(pieces)), bytes };
  }

  #add(piece: Uint8Array): void {
    this.#line.push(piece);
    this.#lineBytes += piece.length;
    if (this.#lineBytes <= MESSAGE_BYTES) return;
    const message = `Line ${this.#lines + 1} of the source has more than ${MESSAGE_BYTES} bytes: it can't be one message.`;
    throw new StreamError("too_large", message, { path: this.#path });
  }

  #endLine(): void {
    const line = concat(this.#line, this.#lineBytes);
    const bytes = this.#lineBytes;
    this.#line = [];
    this.#lineBytes = 0;
    this.#lines++;
    const text = this.#textOf(line);
    if (text.trim() === "") this.length -= bytes;
    else this.#messages.push({ text: line, bytes });
  }

  /** @throws {StreamError} `not_json`: in an array, "1, 2" would become two messages. */
  #textOf(line: Uint8Array): string {
    try {
      const text = this.#decoder.decode(line);
      if (text.trim() !== "") JSON.parse(text);
      return text;
    } catch (cause) {
      const message = `Line ${this.#lines} of the source is not JSON, but the stream consists of JSON messages.`;
      throw new StreamError("not_json", message, { path: this.#path, cause });
    }
  }
}

function sizeOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}
