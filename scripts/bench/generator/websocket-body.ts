/**
 * A decoder of a server's WebSocket frames that does not copy data.
 * @module
 */
import type { Body } from "./connection.ts";

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;

/** The maximum payload size of control messages, which are buffered, in bytes. */
const MOST_CONTROL_BYTES = 64 * 1024;

/** The size of the longest header of an unmasked frame, in bytes. */
const HEADER_BYTES = 10;

/** Callbacks and settings of a decoder. */
export interface FrameEvents {
  /** Whether text frames are control messages, which are passed on complete, instead of data. */
  readonly textIsControl: boolean;
  /** Data: the bytes from `from` up to `to`, exclusive, which are overwritten after the call. */
  data(bytes: Buffer, from: number, to: number): void;
  /** A control message: a text frame if `textIsControl`, a ping (9), a pong (10) or a close (8). */
  control(opcode: number, payload: Buffer): void;
}

/** Decodes a stream of frames. */
export class WebSocketBody implements Body {
  readonly #events: FrameEvents;
  #header: Buffer | undefined;
  #headerHas = 0;
  #opcode = BINARY;
  #isData = true;
  /** How many bytes of the current frame's payload have not arrived yet. */
  #left = 0;
  #control: Buffer[] = [];

  /** @param events The callbacks and settings. */
  constructor(events: FrameEvents) {
    this.#events = events;
  }

  feed(bytes: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#left === 0) {
        at = this.#readHeader(bytes, at, to);
        if (this.#left === 0 && this.#headerHas === 0) this.#end();
        continue;
      }
      const end = Math.min(to, at + this.#left);
      if (this.#isData) this.#events.data(bytes, at, end);
      else this.#control.push(Buffer.from(bytes.subarray(at, end)));
      this.#left -= end - at;
      at = end;
      if (this.#left === 0) this.#end();
    }
  }

  /** Reads a header, or the part of it that has arrived; returns the next position. */
  #readHeader(bytes: Buffer, at: number, to: number): number {
    const has = this.#headerHas;
    if (has === 0 && to - at >= HEADER_BYTES) return at + this.#parse(bytes, at, HEADER_BYTES);
    this.#header ??= Buffer.alloc(HEADER_BYTES);
    const copied = bytes.copy(this.#header, has, at, to);
    const size = this.#parse(this.#header, 0, has + copied);
    this.#headerHas = size === 0 ? has + copied : 0;
    return size === 0 ? to : at + size - has;
  }

  /** Parses a header; returns its size, or 0 if it is incomplete. */
  #parse(bytes: Buffer, at: number, has: number): number {
    const short = (bytes[at + 1] as number) & 0x7f;
    const size = short < 126 ? 2 : short === 126 ? 4 : HEADER_BYTES;
    if (has < size) return 0;
    this.#left = size === 2 ? short : size === 4 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    const opcode = (bytes[at] as number) & 0x0f;
    if (opcode !== CONTINUATION) {
      this.#opcode = opcode;
      this.#isData = opcode === BINARY || (opcode === TEXT && !this.#events.textIsControl);
    }
    if (!this.#isData && this.#left > MOST_CONTROL_BYTES) throw new Error("A control message is too long.");
    return size;
  }

  #end(): void {
    if (this.#isData) return;
    const payload = Buffer.concat(this.#control);
    this.#control = [];
    this.#events.control(this.#opcode, payload);
  }
}
