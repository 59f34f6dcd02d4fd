/**
 * Receiving messages of any size in bounded memory: the original Go server sends a whole file as one message, and the
 * package `ws` gathers a message before it hands it out. So the frames are cut before the package sees them. Only for
 * servers that speak classic, where boundaries mean nothing.
 * @module
 */

/** Opcodes as RFC 6455 section 5.2 has them. */
const CONTINUATION = 0x0;
const CLOSE = 0x8;

/** Bytes of the longest header of a frame without a mask. */
const HEADER_BYTES = 10;

/**
 * Turns the frames of a server into frames that hold what has arrived of them, each a message of its own. Control frames
 * and what no server may send stay as they are.
 *
 * @example
 * ```ts
 * const cutter = new MessageCutter();
 * cutter.cut(Uint8Array.of(0x81, 3, 0x61)); // the header of a text message of one byte, and that byte
 * ```
 */
export class MessageCutter {
  /** The header of the current frame, as far as it has come. */
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** Bytes of the current frame's payload that have not come yet. */
  #left = 0;
  /** The header's first byte for each part of the current frame; nothing where it is left as it is. */
  #first: number | undefined;
  /** The opcode of the message that goes on in continuation frames. */
  #opcode = CONTINUATION;
  /** Whether the current frame is a close frame, behind which nothing may come. */
  #closing = false;
  /** Set when frames can't be told apart any more; the package says why. */
  #raw = false;

  /** What to hand on in place of the next bytes. */
  cut(chunk: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#raw) {
        parts.push(chunk.subarray(at));
        break;
      }
      if (this.#left === 0) {
        if (this.#closing) break;
        at = this.#readHeader(chunk, at, parts);
      } else {
        const piece = chunk.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        if (this.#first !== undefined) parts.push(header(this.#first, piece.length));
        parts.push(piece);
      }
    }
    return parts;
  }

  /** Takes bytes of a header, and returns where they end. */
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
    this.#left = payloadLength(whole);
    const opcode = first & 0x0f;
    const continued = opcode === CONTINUATION ? this.#opcode : opcode;
    this.#closing = opcode === CLOSE;
    if (first & 0x70 || second & 0x80 || opcode >= CLOSE || continued === CONTINUATION) {
      this.#raw = (second & 0x80) !== 0;
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

/** The header of a whole message. */
function header(first: number, length: number): Uint8Array {
  if (length < 126) return Uint8Array.of(first, length);
  if (length < 65_536) return Uint8Array.of(first, 126, length >> 8, length & 0xff);
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set([first, 127]);
  new DataView(bytes.buffer).setBigUint64(2, BigInt(length));
  return bytes;
}
