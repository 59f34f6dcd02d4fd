/**
 * How a request body is read.
 * @module
 */

/** Reads a body piece by piece. */
export interface BodyReader {
  /** The next piece, which the caller owns; `undefined` at the end. Rejects if the body breaks off. */
  read(): Promise<Uint8Array | undefined>;
  /** Ends the reading. A pending `read` resolves to `undefined`. */
  cancel(reason?: unknown): Promise<void>;
  /** Leaves what has not been read to others. */
  releaseLock(): void;
}
