/**
 * The port of a standard WebSocket, as Deno's own server has it.
 * @module
 */
import type { Frame } from "../../engine/follow/frame.ts";
import type { SocketPort } from "../../server/platform/platform.ts";
import { Drain } from "./drain.ts";
import { decodeText, NOT_UTF8 } from "./text-frame.ts";

/** A port over a standard WebSocket. */
export class WebSocketPort implements SocketPort {
  readonly #socket: WebSocket;
  // A standard socket does not report that its buffer drains.
  readonly #drain = new Drain(() => this.pending);
  #gone = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  get closing(): boolean {
    return this.#gone || this.#socket.readyState !== this.#socket.OPEN;
  }

  get pending(): number {
    return this.closing ? 0 : this.#socket.bufferedAmount;
  }

  send(frame: Frame): void {
    if (this.closing) return;
    if (!frame.text) {
      this.#socket.send(frame.bytes as Uint8Array<ArrayBuffer>);
      return;
    }
    const messages = decodeText(frame);
    if (messages) for (const message of messages) this.#socket.send(message);
    else this.close(1007, NOT_UTF8);
  }

  drained(bytes: number): Promise<void> {
    return this.#drain.wait(bytes);
  }

  close(code: number, reason: string): void {
    if (!this.closing) this.#socket.close(code, reason);
  }

  /** A standard socket can only be asked to close; the peer's close or the runtime's own timeout does the rest. */
  terminate(): void {
    this.close(1011, "no answer");
  }

  /** Marks the connection as gone, and wakes all waiting callers. */
  gone(): void {
    this.#gone = true;
    this.#drain.look();
  }
}
