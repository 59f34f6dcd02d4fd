/**
 * One simulated response body, that arrives in pieces and may break off.
 * @module
 */

/** A body on its way. */
export class SimulatedBody {
  /** What arrives at the client. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Whether the client has seen its end, or has left. */
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

  /** The server sends. */
  send(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#queue.push(bytes);
  }

  /** The server has sent everything. */
  end(): void {
    this.#ending = true;
  }

  /** The server has gone: unless it has sent everything, the body breaks off after what is on its way. */
  breakOff(): void {
    this.#breaking = !this.#ending;
  }

  /** Whether something is on its way. */
  get moving(): boolean {
    return !this.over && (this.#ending || this.#breaking || this.#queue.length > 0);
  }

  /** At most so many bytes arrive, or the end does. */
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

  /** It breaks off. */
  cut(): void {
    if (this.over) return;
    this.over = true;
    this.#controller?.error(new TypeError("terminated"));
  }
}
