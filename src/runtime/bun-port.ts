/**
 * A socket of Bun's own server as a port.
 * @module
 */
import type { Frame } from "../core/frame.ts";
import type { SocketPort } from "../faces/platform.ts";
import { decodeText, UNTEXTABLE } from "./text-frame.ts";

/** How often, in milliseconds, the buffer is looked at while somebody waits: Hono's handlers do not pass drains on. */
const POLL_MS = 10;

/** What is used of Bun's `ServerWebSocket`. Its own types would become a dependency of everybody who uses this package. */
export interface BunSocket<Data = unknown> {
  data: Data;
  readonly readyState: 0 | 1 | 2 | 3;
  getBufferedAmount(): number;
  send(data: string | ArrayBuffer | Uint8Array, compress?: boolean): number;
  sendBinary(bytes: Uint8Array<ArrayBuffer>): number;
  sendText(text: string): number;
  ping(): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

interface Waiter {
  readonly bytes: number;
  readonly wake: () => void;
}

/** A port over a Bun socket. */
export class BunPort implements SocketPort {
  readonly #socket: BunSocket;
  readonly #waiters = new Set<Waiter>();
  #poll: ReturnType<typeof setInterval> | undefined;
  #gone = false;

  constructor(socket: BunSocket) {
    this.#socket = socket;
  }

  get pending(): number {
    return this.#gone ? 0 : this.#socket.getBufferedAmount();
  }

  send(frame: Frame): void {
    if (this.#gone) return;
    if (!frame.text) {
      this.#socket.sendBinary(frame.bytes as Uint8Array<ArrayBuffer>);
      return;
    }
    const text = decodeText(frame);
    if (text === undefined) this.close(1007, UNTEXTABLE);
    else this.#socket.sendText(text);
  }

  drained(bytes: number): Promise<void> {
    if (this.pending <= bytes) return Promise.resolve();
    this.#poll ??= setInterval(() => this.drainedNow(), POLL_MS);
    return new Promise((wake) => {
      this.#waiters.add({ bytes, wake });
    });
  }

  /** Some of what was handed over has left. */
  drainedNow(): void {
    for (const waiter of this.#waiters) {
      if (this.pending > waiter.bytes) continue;
      this.#waiters.delete(waiter);
      waiter.wake();
    }
    if (this.#waiters.size > 0) return;
    clearInterval(this.#poll);
    this.#poll = undefined;
  }

  ping(): void {
    if (!this.#gone) this.#socket.ping();
  }

  close(code: number, reason: string): void {
    if (!this.#gone) this.#socket.close(code, reason);
  }

  terminate(): void {
    if (!this.#gone) this.#socket.terminate();
  }

  /** The connection has gone: nobody needs to wait any more. */
  gone(): void {
    this.#gone = true;
    this.drainedNow();
  }
}
