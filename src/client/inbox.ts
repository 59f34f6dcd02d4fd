/**
 * Frames that arrived on a socket and wait to be read.
 * @module
 */
import type { Closing } from "./failure.ts";
import { RECEIVE_BUFFER_BYTES, RECEIVE_OVERFLOW_BYTES } from "./limits.ts";
import type { ClientSocket, SocketHandler } from "./socket.ts";

/** A bounded queue: it pauses its socket while it is full, or drops a socket that cannot be paused. */
export class Inbox implements SocketHandler {
  /** How the connection ended, once it has. */
  closing: Closing | undefined;
  /** Whether frames were lost because nobody read in time and the socket could not be paused. */
  overflowed = false;
  readonly #frames: Uint8Array[] = [];
  #bytes = 0;
  #socket: ClientSocket | undefined;
  #paused = false;
  #wake: () => void = () => {};

  /** The connection is open. */
  attach(socket: ClientSocket): void {
    this.#socket = socket;
    this.#restrain();
  }

  frame(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.overflowed) return;
    this.#frames.push(bytes);
    this.#bytes += bytes.length;
    this.#restrain();
    this.#wake();
  }

  closed(closing: Closing): void {
    this.closing = closing;
    this.#wake();
  }

  /** The next bytes; nothing once the connection has ended and everything was read. */
  async read(): Promise<Uint8Array | undefined> {
    while (this.#frames.length === 0) {
      if (this.closing) return undefined;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
    const frame = this.#frames.shift() as Uint8Array;
    this.#bytes -= frame.length;
    if (this.#paused && this.#bytes <= RECEIVE_BUFFER_BYTES / 2) {
      this.#paused = false;
      this.#socket?.resume?.();
    }
    return frame;
  }

  #restrain(): void {
    const socket = this.#socket;
    if (!socket || this.#paused || this.#bytes <= RECEIVE_BUFFER_BYTES) return;
    if (socket.pause) {
      this.#paused = true;
      socket.pause();
    } else if (this.#bytes > RECEIVE_OVERFLOW_BYTES) {
      this.overflowed = true;
      socket.terminate();
    }
  }
}
