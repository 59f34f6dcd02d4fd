/**
 * One connection of an append session: sends what is retained, from where the server wants it, and takes its
 * acknowledgements.
 * @module
 */

import { END_MESSAGE, parseControl, type ServerControl } from "../../protocol/control.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Clock } from "../connection/environment.ts";
import { type Closing, closedEarly } from "../connection/failure.ts";
import { FRAME_BYTES, LEAVE_TIMEOUT_MS } from "../connection/limits.ts";
import type { ClientSocket, SocketHandler } from "../connection/socket.ts";
import { Watchdog } from "../retry/watchdog.ts";
import type { Retained } from "./retained.ts";

/** What a connection asks of its session, and tells it. Whatever a method throws ends the connection. */
export interface SessionOwner {
  /** What is to be sent. */
  readonly retained: Retained;
  /** Whether nothing will be added to it. */
  readonly ending: boolean;
  /** Takes the server's word on where it stands. */
  started(start: Extract<ServerControl, { type: "start" }>): void;
  /** Bytes before this offset are acknowledged; some were not, before. */
  acked(offset: number): void;
  /** The server has ended the append. */
  ended(offset: number): void;
}

/** One connection; it is of no use any more once {@link over} has settled. */
export class AppendConnection implements SocketHandler {
  /** Resolves when the server has said `start`; rejects when the connection is over before. */
  readonly started: Promise<void>;
  /** Resolves when it is over: with nothing when the server has ended the append, else with what went wrong. */
  readonly over: Promise<StreamError | undefined>;
  /** The offset just past the last byte sent. */
  sent = 0;
  /** Whether the server was told that this is all. */
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
   * @param socket An open socket that speaks `httpfstream.v1`.
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
      silent: () => this.drop(new StreamError("unreachable", "Nothing was heard of the server.", { path: url.href })),
    });
  }

  /** Sends what is there to send, as far as the window and the socket allow. */
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
      // The connection is about to say itself how it ended, which is worth more: it may have been superseded.
    }
    this.#pumping = false;
  }

  /** Leaves at once. */
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
      if (!text) throw this.#broken("sent data to an appender");
      const control = parseControl(bytes);
      if (control) this.#take(control);
    } catch (error) {
      this.drop(StreamError.from(error));
    }
  }

  closed(closing: Closing): void {
    this.#leaving?.();
    this.#finish(closedEarly(closing, this.#url));
  }

  /** The next piece to send; empty when there is none, or no room for it. */
  #next(): Uint8Array {
    const { retained } = this.#owner;
    const room = this.#isOver ? 0 : this.#window - (this.sent - retained.acked);
    return retained.slice(this.sent, Math.max(0, Math.min(room, FRAME_BYTES)));
  }

  #take(control: ServerControl): void {
    const { type, offset } = control;
    if (type === "start") {
      if (this.#isStarted) throw this.#broken('said "start" twice');
      this.#owner.started(control);
      this.#window = Math.max(1, control.window ?? FRAME_BYTES);
      this.sent = offset;
      this.#isStarted = true;
      this.#setStarted();
      void this.pump();
    } else if (!this.#isStarted) {
      throw this.#broken(`said "${type}" before "start"`);
    } else if (type === "ack") {
      if (offset > this.sent) throw this.#broken(`acknowledged ${offset} bytes of ${this.sent}`);
      if (offset <= this.#owner.retained.acked) return;
      this.#owner.acked(offset);
      void this.pump();
    } else if (type === "end") {
      if (!this.endSent) throw this.#broken("ended an append that goes on");
      this.#owner.ended(offset);
      this.#finish(undefined);
      this.#socket.close(1000);
      // Not waited for, but not left behind either.
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

  #broken(what: string): StreamError {
    return new StreamError("protocol", `The server broke the rules of the protocol: it ${what}.`, {
      path: this.#url.href,
    });
  }
}
