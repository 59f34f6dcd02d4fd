/**
 * Receives messages of any size in bounded memory. The original Go server sends a whole file as one message, and the
 * `ws` package buffers a message before it emits it. So the frames are split before `ws` sees them. Use it only for
 * classic servers, where message boundaries carry no meaning.
 * @module
 */

/** Opcodes of RFC 6455 section 5.2. */
const CONTINUATION = 0x0;
const CLOSE = 0x8;

/** Length of the longest header of an unmasked frame. */
const HEADER_BYTES = 10;

/**
 * Rewrites each received part of a data frame as a complete message of its own. Control frames and frames that a server
 * must not send pass through unchanged.
 *
 * @example
 * ```ts
 * const cutter = new MessageCutter();
 * cutter.cut(Uint8Array.of(0x81, 3, 0x61)); // the header of a text message of one byte, and that byte
 * ```
 */
export class MessageCutter {
  /** The header of the current frame, as far as it was received. */
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** Payload bytes of the current frame that are still to come. */
  #remaining = 0;
  /** First header byte for each part of the current frame; undefined if the frame passes through unchanged. */
  #first: number | undefined;
  /** Opcode of the message that continues in continuation frames. */
  #opcode = CONTINUATION;
  /** Whether the current frame is a close frame, after which no frame may follow. */
  #closing = false;
  /** Set when frame boundaries are unknown, so that all bytes pass through; `ws` then reports the error. */
  #passthrough = false;

  /** Returns the bytes to pass on in place of `chunk`. */
  cut(chunk: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#passthrough) {
        parts.push(chunk.subarray(at));
        break;
      }
      if (this.#remaining === 0) {
        if (this.#closing) break;
        at = this.#readHeader(chunk, at, parts);
      } else {
        const piece = chunk.subarray(at, at + this.#remaining);
        at += piece.length;
        this.#remaining -= piece.length;
        if (this.#first !== undefined) parts.push(header(this.#first, piece.length));
        parts.push(piece);
      }
    }
    return parts;
  }

  /** Reads header bytes and returns the index after them. */
  #readHeader(chunk: Uint8Array, from: number, parts: Uint8Array[]): number {
    let at = from;
    while (at < chunk.length) {
      this.#header[this.#headerBytes++] = chunk[at++] as number;
      if (this.#headerBytes < 2 || this.#headerBytes < headerLength(this.#header)) continue;
      this.#begin(parts);
      break;
    }
    return at;
  }

  #begin(parts: Uint8Array[]): void {
    const whole = this.#header.slice(0, this.#headerBytes);
    const [first = 0, second = 0] = whole;
    this.#headerBytes = 0;
    this.#remaining = payloadLength(whole);
    const opcode = first & 0x0f;
    const continued = opcode === CONTINUATION ? this.#opcode : opcode;
    this.#closing = opcode === CLOSE;
    if (first & 0x70 || second & 0x80 || opcode >= CLOSE || continued === CONTINUATION) {
      this.#passthrough = (second & 0x80) !== 0;
      this.#first = undefined;
      parts.push(whole);
      return;
    }
    this.#first = 0x80 | continued;
    this.#opcode = first & 0x80 ? CONTINUATION : continued;
  }
}

function headerLength([, second = 0]: Uint8Array): number {
  const length = second & 0x7f;
  if (length < 126) return 2;
  return length === 126 ? 4 : HEADER_BYTES;
}

function payloadLength(whole: Uint8Array): number {
  const view = new DataView(whole.buffer, whole.byteOffset, whole.length);
  if (whole.length === 4) return view.getUint16(2);
  if (whole.length === HEADER_BYTES) return Number(view.getBigUint64(2));
  return (whole[1] as number) & 0x7f;
}

/** The header of a message in a single frame. */
function header(first: number, length: number): Uint8Array {
  if (length < 126) return Uint8Array.of(first, length);
  if (length < 65_536) return Uint8Array.of(first, 126, length >> 8, length & 0xff);
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set([first, 127]);
  new DataView(bytes.buffer).setBigUint64(2, BigInt(length));
  return bytes;
}
