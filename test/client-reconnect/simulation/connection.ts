/**
 * One simulated WebSocket: two queues of messages, and two ends that may learn of its end at different times.
 * @module
 */
import type { ClientSocket, SocketHandler } from "../../../src/client/connection/socket.ts";

/** What travels: a frame, or a close frame. */
export type Message =
  | { readonly bytes: Uint8Array; readonly text: boolean }
  | { readonly code: number; readonly reason: string };

/** The server's end. */
export interface ServerSide {
  message(bytes: Uint8Array, text: boolean): void;
  /** The server has noticed that the connection is gone. */
  gone(): void;
}

/** Bytes that fit between the ends before a sender has to wait. */
const BUFFER_BYTES = 200;

/** A connection; as {@link ClientSocket} it is the client's end of it. */
export class SimulatedConnection implements ClientSocket {
  readonly exactText = true;
  readonly protocol = "httpfstream.v1";
  readonly handler: SocketHandler;
  server: ServerSide | undefined;
  up: Message[] = [];
  down: Message[] = [];
  /** Whether each end still believes in it. */
  clientThere = true;
  serverThere = true;
  /** Whether messages still pass. */
  cut = false;
  paused = false;
  pending = 0;
  #room: (() => void)[] = [];
  readonly #signal: AbortSignal;
  readonly #abort = (): void => this.terminate();

  constructor(handler: SocketHandler, signal: AbortSignal) {
    this.handler = handler;
    this.#signal = signal;
  }

  /** From now on, the client's signal ends it. */
  hold(): void {
    if (this.#signal.aborted) this.terminate();
    else this.#signal.addEventListener("abort", this.#abort, { once: true });
  }

  send(bytes: Uint8Array, text: boolean): Promise<void> {
    if (!this.clientThere) return Promise.reject(new Error("the connection is gone"));
    // A copy, as the kernel makes one.
    this.up.push({ bytes: bytes.slice(), text });
    this.pending += bytes.length;
    if (this.pending <= BUFFER_BYTES) return Promise.resolve();
    return new Promise((resolve) => this.#room.push(resolve));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  close(code: number): void {
    if (this.clientThere) this.up.push({ code, reason: "" });
  }

  terminate(): void {
    queueMicrotask(() => this.clientGone(1006));
  }

  /** The server sends. */
  reply(message: Message): void {
    if (this.serverThere) this.down.push(message);
  }

  /** The next message reaches the server, if it is still there. */
  deliverUp(): void {
    const message = this.up.shift();
    if (!message) return;
    if ("bytes" in message) this.pending -= message.bytes.length;
    this.#makeRoom();
    if (!this.serverThere) return;
    if ("bytes" in message) this.server?.message(message.bytes, message.text);
    else this.serverGone();
  }

  /** The next message reaches the client, if it is still there. */
  deliverDown(): void {
    const message = this.down.shift();
    if (!message || !this.clientThere) return;
    if ("bytes" in message) this.handler.frame(message.bytes, message.text);
    else this.clientGone(message.code, message.reason);
  }

  /** The client learns that it is over. What is on its way to the server may still arrive. */
  clientGone(code: number, reason = ""): void {
    if (!this.clientThere) return;
    this.clientThere = false;
    this.#signal.removeEventListener("abort", this.#abort);
    this.down = [];
    this.pending = 0;
    this.handler.closed({ code, reason });
    this.#makeRoom();
  }

  /** The server learns that it is over. What is on its way to the client may still arrive. */
  serverGone(): void {
    if (!this.serverThere) return;
    this.serverThere = false;
    this.up = [];
    this.server?.gone();
  }

  #makeRoom(): void {
    if (this.pending > BUFFER_BYTES) return;
    const room = this.#room;
    this.#room = [];
    for (const resolve of room) resolve();
  }
}
