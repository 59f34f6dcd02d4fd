/**
 * The messages between the processes of a machine: frames with a fixed header and a payload.
 *
 * A process connects to another one and names the paths at which it waits. The other process reports its appends to
 * these paths.
 * @module
 */

/** The kinds of frames. Those up to {@link KIND.WANTED} go to the process that appends, all others come from it. */
export const KIND = {
  /** Asks for reports on a path under this id. The payload is the key of the path. */
  WATCH: 1,
  /** Ends the reports under this id. */
  LEAVE: 2,
  /** The sender has requested a path. The payload is the key of the path. */
  WANTED: 3,
  /** The first frame of a connection. The payload is JSON: {@link Hello}. */
  HELLO: 16,
  /** There is no append to the path. */
  NONE: 17,
  /** There is an append to the path, with this size. The payload is the generation. */
  STATE: 18,
  /** The append has stored bytes, and the path has this size. The payload is the bytes, or is omitted. */
  GROWN: 19,
  /** The append has ended. The payload is the reason, or empty if the append may continue elsewhere. */
  ENDED: 20,
} as const;

/** The version of these frames. A process does not talk to one with another version. */
export const FORMAT = 1;

/** The payload of the first frame. */
export interface Hello {
  readonly format: number;
  /** The id of its owner record. */
  readonly id: string;
}

/** A frame. */
export interface Frame {
  readonly kind: number;
  /** The watch of the connection that the frame is about. */
  readonly id: number;
  readonly size: number;
  /** Whether the path is a stream that is closed, with this size. */
  readonly closed: boolean;
  readonly payload: Uint8Array;
}

/** Maximum bytes of a payload. */
export const MAX_PAYLOAD_BYTES: number = 8 * 1024 * 1024;

/** Bytes of a header: length, kind, closed, two unused ones, id, size. */
export const HEADER_BYTES = 20;

/** Encodes the header of a frame. */
export function headerOf({ kind, id, size, closed, payload }: Frame): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(payload.length, 0);
  header[4] = kind;
  header[5] = closed ? 1 : 0;
  header.writeUInt32BE(id, 8);
  header.writeDoubleBE(size, 12);
  return header;
}

/** Cuts what arrives into frames. */
export class FrameParser {
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes that the next frame needs. */
  #needed = HEADER_BYTES;

  /**
   * Adds bytes.
   *
   * @returns The frames that are complete now. Their payloads share the memory of the bytes.
   * @throws {RangeError} for a frame that is too large; the rest of the connection is then useless.
   */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    if (this.#bytes < this.#needed) return frames;
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks);
    for (;;) {
      const length = rest.length < HEADER_BYTES ? 0 : rest.readUInt32BE(0);
      if (length > MAX_PAYLOAD_BYTES) throw new RangeError(`A frame has ${length} bytes.`);
      this.#needed = HEADER_BYTES + length;
      if (rest.length < this.#needed) break;
      frames.push({
        kind: rest[4] as number,
        closed: rest[5] === 1,
        id: rest.readUInt32BE(8),
        size: rest.readDoubleBE(12),
        payload: rest.subarray(HEADER_BYTES, this.#needed),
      });
      rest = rest.subarray(this.#needed);
    }
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#bytes = rest.length;
    return frames;
  }
}
