/**
 * Frames that arrived on a socket and wait to be read.
 * @module
 */
import type { Clock } from "../connection/environment.ts";
import type { Closing } from "../connection/failure.ts";
import { LEAVE_TIMEOUT_MS, RECEIVE_BUFFER_BYTES, RECEIVE_OVERFLOW_BYTES } from "../connection/limits.ts";
import type { ClientSocket, SocketHandler } from "../connection/socket.ts";
import { Watchdog } from "../retry/watchdog.ts";

/** One frame. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly text: boolean;
}

const NOTHING: Frame = { bytes: new Uint8Array(0), text: false };

/** A bounded queue: it pauses its socket while it is full, or drops a socket that cannot be paused. */
export class Inbox implements SocketHandler {
  /** How the connection ended, once it has. */
  closing: Closing | undefined;
  /** Whether frames were lost because nobody read in time and the socket could not be paused. */
  overflowed = false;
  #frames: Frame[] = [];
  /** How many of them were read. They are dropped together: taking the first of many off an array moves all others. */
  #read = 0;
  #bytes = 0;
  #socket: ClientSocket | undefined;
  #paused = false;
  #watchdog: Watchdog | undefined;
  #wake: () => void = () => {};
  #cancelLeaving: () => void = () => {};

  /** The connection is open. */
  attach(socket: ClientSocket): void {
    this.#socket = socket;
    this.#restrain();
  }

  /** Takes the connection for broken when nothing comes for long; for servers that promise signs of life. */
  guard(clock: Clock): void {
    if (this.closing) return;
    this.#watchdog = new Watchdog(clock, {
      expectsSigns: () => !this.#paused,
      pending: 0,
      silent: () => {
        this.#socket?.terminate();
        this.closed({ code: 1006, reason: "nothing was heard of the server" });
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
    this.#restrain();
    this.#wake();
  }

  closed(closing: Closing): void {
    this.#cancelLeaving();
    if (this.closing) return;
    this.closing = closing;
    this.#watchdog?.stop();
    this.#wake();
  }

  /** The next frame; nothing once the connection has ended and everything was read. */
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

  /** Ends the connection: nobody reads any more. */
  leave(clock: Clock): void {
    if (this.closing) return;
    this.#watchdog?.stop();
    const socket = this.#socket;
    socket?.resume?.();
    socket?.close(1000);
    // Not waited for, but not left behind either.
    this.#cancelLeaving = clock.after(LEAVE_TIMEOUT_MS, () => socket?.terminate());
  }

  #next(): Frame {
    const frame = this.#frames[this.#read] as Frame;
    this.#frames[this.#read++] = NOTHING;
    if (this.#read * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#read);
      this.#read = 0;
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
