/**
 * A simulated WebSocket: two queues of messages, and two ends that may learn at different times that it is closed.
 * @module
 */
import type { ClientSocket, SocketHandler } from "../../../src/client/connection/socket.ts";

/** A message in transit: a data frame or a close frame. */
export type Message =
  | { readonly bytes: Uint8Array; readonly text: boolean }
  | { readonly code: number; readonly reason: string };

/** The server's end of a connection. */
export interface ServerSide {
  message(bytes: Uint8Array, text: boolean): void;
  /** The server has noticed that the connection is gone. */
  gone(): void;
}

/** High-water mark of the bytes in transit to the server, above which the client waits. */
const BUFFER_BYTES = 200;

/** A connection. As a {@link ClientSocket}, it is the client's end. */
export class SimulatedConnection implements ClientSocket {
  readonly exactText = true;
  readonly protocol = "httpfstream.v1";
  readonly handler: SocketHandler;
  server: ServerSide | undefined;
  up: Message[] = [];
  down: Message[] = [];
  /** Whether each end still considers it open. */
  clientThere = true;
  serverThere = true;
  /** Whether it is cut, so that no message passes. */
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

  /** From now on, the client's signal terminates it. */
  hold(): void {
    if (this.#signal.aborted) this.terminate();
    else this.#signal.addEventListener("abort", this.#abort, { once: true });
  }

  send(bytes: Uint8Array, text: boolean): Promise<void> {
    if (!this.clientThere) return Promise.reject(new Error("the connection is gone"));
    // A copy, as a kernel would make it.
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

  /** Queues a message from the server. */
  reply(message: Message): void {
    if (this.serverThere) this.down.push(message);
  }

  /** Delivers the next message to the server, if it is still there. */
  deliverUp(): void {
    const message = this.up.shift();
    if (!message) return;
    if ("bytes" in message) this.pending -= message.bytes.length;
    this.#makeRoom();
    if (!this.serverThere) return;
    if ("bytes" in message) this.server?.message(message.bytes, message.text);
    else this.serverGone();
  }

  /** Delivers the next message to the client, if it is still there. */
  deliverDown(): void {
    const message = this.down.shift();
    if (!message || !this.clientThere) return;
    if ("bytes" in message) this.handler.frame(message.bytes, message.text);
    else this.clientGone(message.code, message.reason);
  }

  /** Tells the client that the connection is closed. Messages in transit to the server may still arrive. */
  clientGone(code: number, reason = ""): void {
    if (!this.clientThere) return;
    this.clientThere = false;
    this.#signal.removeEventListener("abort", this.#abort);
    this.down = [];
    this.pending = 0;
    this.handler.closed({ code, reason });
    this.#makeRoom();
  }

  /** Tells the server that the connection is closed. Messages in transit to the client may still arrive. */
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
