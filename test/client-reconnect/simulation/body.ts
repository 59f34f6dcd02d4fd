/**
 * A simulated response body, which arrives in pieces and may break off.
 * @module
 */

/** A body in transit. */
export class SimulatedBody {
  /** The client's end of the body. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Whether the client has seen its end, or has cancelled it. */
  over = false;
  #queue: Uint8Array[] = [];
  #ending = false;
  #breaking = false;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor() {
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.over = true;
      },
    });
  }

  /** Queues bytes from the server. */
  send(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#queue.push(bytes);
  }

  /** Ends the body after the queued bytes. */
  end(): void {
    this.#ending = true;
  }

  /** The server is gone: unless the body was complete, it breaks off after the queued bytes. */
  breakOff(): void {
    this.#breaking = !this.#ending;
  }

  /** Whether bytes, the end or the break are still in transit. */
  get moving(): boolean {
    return !this.over && (this.#ending || this.#breaking || this.#queue.length > 0);
  }

  /** Delivers at most `most` bytes, or the end, or the break. */
  deliver(most: number): void {
    const [piece] = this.#queue;
    if (piece) {
      const rest = piece.subarray(most);
      if (rest.length > 0) this.#queue[0] = rest;
      else this.#queue.shift();
      this.#controller?.enqueue(piece.slice(0, most));
    } else if (this.#ending) {
      this.over = true;
      this.#controller?.close();
    } else if (this.#breaking) {
      this.cut();
    }
  }

  /** Breaks the body off now. */
  cut(): void {
    if (this.over) return;
    this.over = true;
    this.#controller?.error(new TypeError("terminated"));
  }
}
