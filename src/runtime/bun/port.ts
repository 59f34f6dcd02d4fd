/**
 * The port of a socket of Bun's own server.
 * @module
 */
import type { Frame } from "../../engine/follow/frame.ts";
import type { SocketPort } from "../../server/platform/platform.ts";
import { closeWhenSent } from "../shared/close-when-sent.ts";
import { Drain } from "../shared/drain.ts";
import { decodeText, NOT_UTF8 } from "../shared/text-frame.ts";

/**
 * The part of Bun's `ServerWebSocket` that is used here. Its own types would become a dependency of every user of this
 * package.
 */
export interface BunSocket<Data = unknown> {
  /** What was given to `server.upgrade()`. */
  data: Data;
  /** As of a standard WebSocket. */
  readonly readyState: 0 | 1 | 2 | 3;
  /** Bytes that wait to be sent. */
  getBufferedAmount(): number;
  /** Sends a message. Returns its bytes, -1 if it waits, 0 if it was dropped; as the other functions that send. */
  send(data: string | ArrayBuffer | Uint8Array, compress?: boolean): number;
  /** Sends a binary message. */
  sendBinary(bytes: Uint8Array<ArrayBuffer>): number;
  /** Sends a text message. */
  sendText(text: string): number;
  /** Sends a ping. */
  ping(): number;
  /** Begins the closing handshake. */
  close(code?: number, reason?: string): void;
  /** Ends the connection at once. */
  terminate(): void;
}

/** A port over a Bun socket. */
export class BunPort implements SocketPort {
  readonly #socket: BunSocket;
  readonly #drain = new Drain(() => this.pending);
  #gone = false;
  #closing = false;

  constructor(socket: BunSocket) {
    this.#socket = socket;
  }

  get closing(): boolean {
    return this.#gone || this.#closing || this.#socket.readyState !== 1;
  }

  get pending(): number {
    return this.#gone ? 0 : this.#socket.getBufferedAmount();
  }

  send(frame: Frame): void {
    if (this.closing) return;
    if (!frame.text) {
      this.#socket.sendBinary(frame.bytes as Uint8Array<ArrayBuffer>);
      return;
    }
    const messages = decodeText(frame);
    if (messages) for (const message of messages) this.#socket.sendText(message);
    else this.close(1007, NOT_UTF8);
  }

  drained(bytes: number): Promise<void> {
    return this.#drain.wait(bytes);
  }

  /** Called when some buffered bytes have been sent. Hono's own handlers do not call it. */
  drainedNow(): void {
    this.#drain.look();
  }

  ping(): void {
    if (!this.closing) this.#socket.ping();
  }

  close(code: number, reason: string): void {
    if (this.closing) return;
    if (this.pending === 0) {
      this.#socket.close(code, reason);
      return;
    }
    this.#closing = true;
    closeWhenSent(this.#drain, {
      close: () => {
        if (!this.#gone) this.#socket.close(code, reason);
      },
      terminate: () => this.terminate(),
    });
  }

  terminate(): void {
    if (!this.#gone) this.#socket.terminate();
  }

  /** Marks the connection as gone, and wakes all waiting callers. */
  gone(): void {
    this.#gone = true;
    this.drainedNow();
  }
}
