/**
 * One connection of an append session. It sends the retained bytes from the offset that the server requests, and
 * handles acknowledgements.
 * @module
 */

import { END_MESSAGE, parseControl, type ServerControl } from "../../protocol/control.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Clock } from "../connection/environment.ts";
import { type Closing, closedEarly, placeIn } from "../connection/failure.ts";
import { FRAME_BYTES, LEAVE_TIMEOUT_MS } from "../connection/limits.ts";
import type { ClientSocket, SocketHandler } from "../connection/socket.ts";
import { Watchdog } from "../retry/watchdog.ts";
import type { Retained } from "./retained.ts";

/** The session as its connection sees it. Any error that a method throws ends the connection. */
export interface SessionOwner {
  /** The bytes to send. */
  readonly retained: Retained;
  /** Whether no more bytes will be added. */
  readonly ending: boolean;
  /** The server sent `start`. */
  started(start: Extract<ServerControl, { type: "start" }>): void;
  /** The server acknowledged all bytes before this offset; at least one of them is new. */
  acked(offset: number): void;
  /** The server confirmed the end of the append at this offset. */
  ended(offset: number): void;
}

/** One connection of a session. It must not be used after {@link over} has settled. */
export class AppendConnection implements SocketHandler {
  /** Resolves when the server has sent `start`; rejects if the connection ends before. */
  readonly started: Promise<void>;
  /** Resolves when the connection ends: with undefined if the server confirmed the end, otherwise with the error. */
  readonly over: Promise<StreamError | undefined>;
  /** The offset just past the last byte sent. */
  sent = 0;
  /** Whether the end marker was sent. */
  endSent = false;
  readonly #url: URL;
  readonly #owner: SessionOwner;
  readonly #socket: ClientSocket;
  readonly #clock: Clock;
  readonly #watchdog: Watchdog;
  #window = 0;
  #isStarted = false;
  #isOver = false;
  #pumping = false;
  #leaving: (() => void) | undefined;
  #setStarted: () => void = () => {};
  #setOver: (error: StreamError | undefined) => void = () => {};

  /**
   * @param url The resource, for messages.
   * @param socket An open socket that uses `httpfstream.v1`.
   */
  constructor(url: URL, owner: SessionOwner, socket: ClientSocket, clock: Clock) {
    this.#url = url;
    this.#owner = owner;
    this.#socket = socket;
    this.#clock = clock;
    this.over = new Promise((resolve) => {
      this.#setOver = resolve;
    });
    const started = new Promise<void>((resolve) => {
      this.#setStarted = resolve;
    });
    this.started = Promise.race([started, this.over.then((error) => this.#isStarted || Promise.reject(error))]).then(
      () => {},
    );
    this.#watchdog = new Watchdog(clock, {
      expectsSigns: () => !this.#isStarted || this.endSent || this.sent > owner.retained.acked,
      get pending() {
        return socket.pending;
      },
      silent: () => {
        const message = `The server stopped answering for ${placeIn(url)}.`;
        this.drop(new StreamError("unreachable", message, { path: url.href }));
      },
    });
  }

  /** Sends retained bytes, as far as the window and the socket allow. */
  async pump(): Promise<void> {
    if (this.#pumping || !this.#isStarted) return;
    this.#pumping = true;
    try {
      for (let piece = this.#next(); piece.length > 0; piece = this.#next()) {
        if (this.sent === this.#owner.retained.acked) this.#watchdog.heard();
        this.sent += piece.length;
        await this.#socket.send(piece, false);
      }
      if (this.#owner.ending && this.sent === this.#owner.retained.end && !this.endSent && !this.#isOver) {
        this.endSent = true;
        this.#watchdog.heard();
        await this.#socket.send(END_MESSAGE, true);
      }
    } catch {
      // The close event follows and carries the actual reason, such as being fenced.
    }
    this.#pumping = false;
  }

  /** Drops the connection at once. */
  drop(error: StreamError): void {
    if (this.#finish(error)) this.#socket.terminate();
  }

  heard(): void {
    this.#watchdog.heard();
  }

  frame(bytes: Uint8Array, text: boolean): void {
    if (this.#isOver) return;
    this.#watchdog.heard();
    try {
      if (!text) throw this.#violation("sent data to an appender");
      const control = parseControl(bytes);
      if (control) this.#handle(control);
    } catch (error) {
      this.drop(StreamError.from(error));
    }
  }

  closed(closing: Closing): void {
    this.#leaving?.();
    this.#finish(closedEarly(closing, this.#url));
  }

  /** The next piece to send; empty if everything is sent or the window is full. */
  #next(): Uint8Array {
    const { retained } = this.#owner;
    const room = this.#isOver ? 0 : this.#window - (this.sent - retained.acked);
    return retained.slice(this.sent, Math.max(0, Math.min(room, FRAME_BYTES)));
  }

  #handle(control: ServerControl): void {
    const { type, offset } = control;
    if (type === "start") {
      if (this.#isStarted) throw this.#violation('said "start" twice');
      this.#owner.started(control);
      this.#window = Math.max(1, control.window ?? FRAME_BYTES);
      this.sent = offset;
      this.#isStarted = true;
      this.#setStarted();
      void this.pump();
    } else if (!this.#isStarted) {
      throw this.#violation(`said "${type}" before "start"`);
    } else if (type === "ack") {
      if (offset > this.sent) throw this.#violation(`acknowledged ${offset} bytes of ${this.sent}`);
      if (offset <= this.#owner.retained.acked) return;
      this.#owner.acked(offset);
      void this.pump();
    } else if (type === "end" && control.reason === "limit") {
      // Bytes that this connection has not sent are not stored; the last acknowledgement says how many are.
      this.#finish(atLimit(offset, this.#url));
      this.#socket.close(1000);
      this.#leaving = this.#clock.after(LEAVE_TIMEOUT_MS, () => this.#socket.terminate());
    } else if (type === "end") {
      if (!this.endSent) throw this.#violation("ended an append that is not complete");
      this.#owner.ended(offset);
      this.#finish(undefined);
      this.#socket.close(1000);
      // The append does not wait for the close handshake, but the timeout ensures that the socket is closed.
      this.#leaving = this.#clock.after(LEAVE_TIMEOUT_MS, () => this.#socket.terminate());
    }
  }

  #finish(error: StreamError | undefined): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#watchdog.stop();
    this.#setOver(error);
    return true;
  }

  #violation(what: string): StreamError {
    return new StreamError("protocol", `The server violated the protocol: it ${what}.`, {
      path: this.#url.href,
    });
  }
}

function atLimit(offset: number, url: URL): StreamError {
  const message = `The server ended the append at offset ${offset}: the resource is as large as the server allows. The bytes before that offset are stored.`;
  return new StreamError("limit", message, { path: url.href });
}
