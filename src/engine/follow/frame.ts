/**
 * A frame is a piece of data for followers, built once for all of them.
 * @module
 */

/** Bytes that leave as one WebSocket message (long text as several), or as one piece of a response body. */
export class Frame {
  /** The payload. Must not be modified: many followers may share it. */
  readonly bytes: Uint8Array;
  /** Whether it leaves as a text frame. */
  readonly text: boolean;
  /** A socket port keeps the encoded frame here, so that it is encoded once and not once per follower. */
  encoded: unknown;
  /** The same for response bodies: the encoded chunk. */
  chunk: Uint8Array | undefined;

  /**
   * For a frame of one follower only: called once, when its bytes have been sent and their memory can be reused. Not
   * called if the runtime does not report that, or if the connection has closed.
   */
  readonly onFlushed: (() => void) | undefined;

  /**
   * @param bytes The payload.
   * @param text Whether it leaves as a text frame.
   * @param onFlushed See {@link onFlushed}. Default: none.
   */
  constructor(bytes: Uint8Array, text: boolean, onFlushed?: () => void) {
    this.bytes = bytes;
    this.text = text;
    this.encoded = undefined;
    this.chunk = undefined;
    this.onFlushed = onFlushed;
  }
}
