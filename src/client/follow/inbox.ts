/**
 * Queue of frames that a socket received and the follow has not read yet.
 * @module
 */
import type { Clock } from "../connection/environment.ts";
import type { Closing } from "../connection/failure.ts";
import { LEAVE_TIMEOUT_MS, RECEIVE_BUFFER_BYTES, RECEIVE_OVERFLOW_BYTES } from "../connection/limits.ts";
import type { ClientSocket, SocketHandler } from "../connection/socket.ts";
import { Watchdog } from "../retry/watchdog.ts";

/** A received frame. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly text: boolean;
}

const PLACEHOLDER: Frame = { bytes: new Uint8Array(0), text: false };

/** A bounded queue. When it is full, it pauses its socket, or drops a socket that cannot be paused. */
export class Inbox implements SocketHandler {
  /** How the connection ended; undefined while it is open. */
  closing: Closing | undefined;
  /** Whether frames were dropped because the socket could not be paused and the reader was too slow. */
  overflowed = false;
  #frames: Frame[] = [];
  /** Number of frames read. They are removed in batches, because shifting a long array moves all its elements. */
  #read = 0;
  #bytes = 0;
  #socket: ClientSocket | undefined;
  #paused = false;
  #watchdog: Watchdog | undefined;
  #wake: () => void = () => {};
  #cancelLeaving: () => void = () => {};

  /** Attaches the open socket, so that backpressure applies to it. */
  attach(socket: ClientSocket): void {
    this.#socket = socket;
    this.#applyLimits();
  }

  /** Treats the connection as broken after too long a silence. Use it only for servers that send signs of life. */
  guard(clock: Clock): void {
    if (this.closing) return;
    this.#watchdog = new Watchdog(clock, {
      expectsSigns: () => !this.#paused,
      pending: 0,
      silent: () => {
        this.#socket?.terminate();
        this.closed({ code: 1006, reason: "the server stopped answering" });
      },
    });
  }

  heard(): void {
    this.#watchdog?.heard();
  }

  frame(bytes: Uint8Array, text = false): void {
    this.#watchdog?.heard();
    if (bytes.length === 0 || this.overflowed || this.closing) return;
    this.#frames.push({ bytes, text });
    this.#bytes += bytes.length;
    this.#applyLimits();
    this.#wake();
  }

  closed(closing: Closing): void {
    this.#cancelLeaving();
    if (this.closing) return;
    this.closing = closing;
    this.#watchdog?.stop();
    this.#wake();
  }

  /** Returns the next frame, or undefined once the connection has ended and all frames were read. */
  async read(): Promise<Frame | undefined> {
    while (this.#read === this.#frames.length) {
      if (this.closing) return undefined;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
    const frame = this.#next();
    this.#bytes -= frame.bytes.length;
    if (this.#paused && this.#bytes <= RECEIVE_BUFFER_BYTES / 2) {
      this.#paused = false;
      this.#watchdog?.heard();
      this.#socket?.resume?.();
    }
    return frame;
  }

  /** Closes the connection when the reader stops. */
  leave(clock: Clock): void {
    if (this.closing) return;
    this.#watchdog?.stop();
    const socket = this.#socket;
    socket?.resume?.();
    socket?.close(1000);
    // The follow does not wait for the close handshake, but the timeout ensures that the socket is closed.
    this.#cancelLeaving = clock.after(LEAVE_TIMEOUT_MS, () => socket?.terminate());
  }

  #next(): Frame {
    const frame = this.#frames[this.#read] as Frame;
    this.#frames[this.#read++] = PLACEHOLDER;
    if (this.#read * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#read);
      this.#read = 0;
    }
    return frame;
  }

  #applyLimits(): void {
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
