/**
 * Result of a request: its bytes and how it ended, for its line in the log.
 * @module
 */

/** The result of one request. A response that outlasts its handler has one only later. */
export class RequestResult {
  /** Bytes of content that were sent or stored. */
  bytes = 0;
  /** How it ended: `complete`, `gone`, an end reason or an error code. */
  reason = "complete";
  #isOpen = false;
  #isOver = false;
  #hasBegun = false;
  #tell: (() => void) | undefined;

  /** The response outlasts its handler: {@link end} follows. */
  open(): void {
    this.#isOpen = true;
  }

  /** The append or follow that the request began will {@link end} it, however its connection ends. */
  began(): void {
    this.#hasBegun = true;
  }

  /** The connection is gone, or was never made. */
  closed(): void {
    if (!this.#hasBegun) this.end(0, "gone");
  }

  /** The request has ended. Only the first call counts. */
  end(bytes: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isOpen = false;
    this.bytes = bytes;
    this.reason = reason;
    this.#tell?.();
    this.#tell = undefined;
  }

  /** An error has replaced the response. */
  refused(code: string): void {
    this.end(this.bytes, code);
    this.reason = code;
  }

  /** Calls back when the request has ended; at once, unless its response outlasts its handler. */
  whenOver(tell: () => void): void {
    if (this.#isOpen) this.#tell = tell;
    else tell();
  }
}
