/**
 * A socket of the `ws` package as a port: exact bytes in text frames, frames built once and written to many.
 * @module
 */
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import type { Frame } from "../core/frame.ts";
import { NO_BYTES } from "../core/text.ts";
import type { SocketHandler, SocketPort } from "../faces/platform.ts";

/** Connects a `ws` socket and the network socket below it to a handler. */
export function attachWs(ws: WebSocket, below: Duplex, handler: SocketHandler): void {
  if (ws.readyState !== ws.OPEN) {
    handler.closed();
    return;
  }
  // Errors are followed by a close, which is all that a handler needs to know.
  ws.on("error", () => {});
  ws.on("message", (data: Buffer, isBinary: boolean) => handler.message(data, !isBinary));
  ws.on("pong", () => handler.ponged());
  ws.on("close", () => handler.closed());
  handler.opened(new WsPort(ws, below));
}

class WsPort implements SocketPort {
  readonly #ws: WebSocket;
  readonly #below: Duplex;

  constructor(ws: WebSocket, below: Duplex) {
    this.#ws = ws;
    this.#below = below;
  }

  get pending(): number {
    return this.#below.writableLength;
  }

  send(frame: Frame): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    frame.encoded ??= encodeFrame(frame);
    this.#below.write(frame.encoded as Uint8Array);
  }

  drained(bytes: number): Promise<void> {
    const below = this.#below;
    if (this.pending <= bytes || below.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        below.off("close", done);
        resolve();
      };
      below.once("close", done);
      // The callback of a write comes when everything before it has left; "drain" comes only above a mark.
      below.write(NO_BYTES, done);
    });
  }

  ping(): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
  }

  terminate(): void {
    this.#ws.terminate();
  }
}

/** An unmasked, unfragmented frame as RFC 6455 section 5.2 has it. */
function encodeFrame({ bytes, text }: Frame): Uint8Array {
  const size = bytes.length;
  const header = size < 126 ? 2 : size < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(header + size);
  frame[0] = text ? 0x81 : 0x82;
  if (header === 2) {
    frame[1] = size;
  } else if (header === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(size, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(size), 2);
  }
  frame.set(bytes, header);
  return frame;
}
