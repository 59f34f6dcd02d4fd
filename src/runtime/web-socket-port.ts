/**
 * A standard WebSocket, as Deno's own server has it, as a port.
 * @module
 */
import type { Frame } from "../core/frame.ts";
import type { SocketPort } from "../faces/platform.ts";
import { decodeText, UNTEXTABLE } from "./text-frame.ts";

/** How often, in milliseconds, the buffer is looked at while somebody waits for it: nothing tells when it drains. */
const POLL_MS = 10;

/** A port over a standard WebSocket. */
export class WebSocketPort implements SocketPort {
  readonly #socket: WebSocket;
  #gone = false;
  #polls = new Set<() => void>();

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get pending(): number {
    return this.#socket.bufferedAmount;
  }

  send(frame: Frame): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const payload = frame.text ? decodeText(frame) : frame.bytes;
    if (payload === undefined) this.close(1007, UNTEXTABLE);
    else this.#socket.send(payload as string | Uint8Array<ArrayBuffer>);
  }

  drained(bytes: number): Promise<void> {
    if (this.#isDrained(bytes)) return Promise.resolve();
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.#isDrained(bytes)) return;
        clearInterval(timer);
        this.#polls.delete(look);
        resolve();
      };
      const timer = setInterval(look, POLL_MS);
      this.#polls.add(look);
    });
  }

  close(code: number, reason: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.close(code, reason);
  }

  /** Here a socket can only be asked to close; the peer's end or the runtime's own timeout does the rest. */
  terminate(): void {
    this.close(1011, "no answer");
  }

  /** The connection has gone: nobody needs to wait any more. */
  gone(): void {
    this.#gone = true;
    for (const look of [...this.#polls]) look();
  }

  #isDrained(bytes: number): boolean {
    return this.#gone || this.#socket.readyState !== this.#socket.OPEN || this.pending <= bytes;
  }
}
