/**
 * A piece of data on its way to followers, built once for all of them.
 * @module
 */

/** Bytes that leave as one WebSocket frame, or as one piece of a response body. */
export class Frame {
  /** The payload. Nobody may change it: many followers share it. */
  readonly bytes: Uint8Array;
  /** Whether it leaves as a text frame. */
  readonly text: boolean;
  /** Where a socket port keeps what it hands to its runtime, so that it is encoded once and not once a follower. */
  encoded: unknown;

  /**
   * @param bytes The payload.
   * @param text Whether it leaves as a text frame.
   */
  constructor(bytes: Uint8Array, text: boolean) {
    this.bytes = bytes;
    this.text = text;
    this.encoded = undefined;
  }
}
