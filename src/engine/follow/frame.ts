/**
 * A piece of data on its way to followers, built once for all of them.
 * @module
 */

/** Bytes that leave as one WebSocket message, as several if they are text and many, or as one piece of a response body. */
export class Frame {
  /** The payload. Nobody may change it: many followers may share it. */
  readonly bytes: Uint8Array;
  /** Whether it leaves as a text frame. */
  readonly text: boolean;
  /** Where a socket port keeps what it hands to its runtime, so that it is encoded once and not once a follower. */
  encoded: unknown;

  /**
   * For a frame that only one follower gets: called once, when its bytes have left and their memory is free again. Not
   * called where the runtime does not tell, or when the connection has gone.
   */
  readonly onFlushed: (() => void) | undefined;

  /**
   * @param bytes The payload.
   * @param text Whether it leaves as a text frame.
   * @param onFlushed See {@link onFlushed}.
   */
  constructor(bytes: Uint8Array, text: boolean, onFlushed?: () => void) {
    this.bytes = bytes;
    this.text = text;
    this.encoded = undefined;
    this.onFlushed = onFlushed;
  }
}
