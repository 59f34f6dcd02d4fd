/**
 * The port of a socket of the `ws` package: exact bytes in text frames, and frames that are encoded once for many
 * followers.
 * @module
 */
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import * as wsPackage from "ws";
import type { Frame } from "../../engine/follow/frame.ts";
import { NO_BYTES, textPieces } from "../../protocol/utf8.ts";
import type { SocketHandler, SocketPort } from "../../server/platform/platform.ts";
import { closeWhenSent } from "../shared/close-when-sent.ts";
import { Drain } from "../shared/drain.ts";
import { refusalOf } from "../shared/refusals.ts";
import { ClosingWatch } from "./closing-watch.ts";
import { MessageWatch } from "./message-watch.ts";

/** Whether this is the package itself; Bun substitutes an implementation of its own. */
export const isWsPackage: boolean = typeof (wsPackage as { Sender?: { frame?: unknown } }).Sender?.frame === "function";

type WebSocket = wsPackage.WebSocket;

/** The package's own `close`. */
const { close: closeWs } = wsPackage.WebSocket.prototype;

/** Connects a `ws` socket, and the network socket below it, to a handler. */
export function attachWs(ws: WebSocket, below: Duplex, handler: SocketHandler): void {
  // A close follows each error. Errors of the network are not the peer's fault.
  ws.on("error", (error: Error & { code?: string }) => {
    if (error.code?.startsWith("WS_ERR_")) handler.refused(refusalOf(error.message, handler.messageLimits));
  });
  ws.on("message", (data: Buffer, isBinary: boolean) => handler.message(data, !isBinary));
  ws.on("pong", () => handler.ponged());
  const port = isWsPackage ? new SharingPort(ws, below) : new SendingPort(ws);
  ws.on("close", () => {
    port.gone();
    handler.closed();
  });
  // A peer may keep the connection open after its close frame, and "close" would wait for it for half a minute.
  // Deferred, because the package reports invalid frames only after it has begun to close.
  port.onClosing(() => queueMicrotask(() => handler.closed()));
  if (isWsPackage) watchMessages(below, handler);
  handler.opened(port);
}

/** Refuses a message that is too large as soon as its header shows its size. */
function watchMessages(below: Duplex, handler: SocketHandler): void {
  const watch = new MessageWatch(handler.messageLimits);
  // Runs after the package's own listener, which has then processed everything before that header.
  below.on("data", (chunk: Uint8Array) => {
    const limit = watch.look(chunk);
    if (!limit) return;
    // As the package does after an error, reads and discards further data, so that the close gets through.
    for (const listener of below.listeners("data")) below.off("data", listener as () => void);
    below.resume();
    handler.refused(limit.refusal());
  });
}

/** The part that both ways of sending share. */
abstract class WsPort implements SocketPort {
  protected readonly ws: WebSocket;
  protected isGone = false;

  constructor(ws: WebSocket) {
    this.ws = ws;
  }

  abstract readonly closing: boolean;
  abstract readonly pending: number;
  abstract send(frame: Frame): void;
  abstract drained(bytes: number): Promise<void>;
  /** Calls back when the peer has begun to close. */
  abstract onClosing(closes: () => void): void;

  ping(): void {
    if (!this.closing) this.ws.ping();
  }

  get paused(): boolean {
    return this.ws.isPaused;
  }

  pause(): void {
    this.ws.pause();
  }

  resume(): void {
    this.ws.resume();
  }

  close(code?: number, reason?: string | Buffer): void {
    closeWs.call(this.ws, code, reason);
  }

  terminate(): void {
    this.ws.terminate();
  }

  /** Marks the connection as gone. Subclasses also wake the callers that wait for it. */
  gone(): void {
    this.isGone = true;
  }
}

/**
 * Writes frames that were encoded once for all followers directly to the network socket. Hot path: the properties that
 * are read per frame and follower touch only the socket, because with thousands of followers each further object costs
 * a memory access.
 */
class SharingPort extends WsPort {
  readonly #below: Duplex;
  #isClosing = false;
  /** Created at the first wait, because most connections are never slow. */
  #drain: Drain | undefined;

  constructor(ws: WebSocket, below: Duplex) {
    super(ws);
    this.#below = below;
  }

  get closing(): boolean {
    return this.#isClosing || this.isGone || this.#below.writableEnded;
  }

  get pending(): number {
    return this.isGone ? 0 : this.#below.writableLength;
  }

  send(frame: Frame): void {
    if (this.closing) return;
    const { onFlushed } = frame;
    if (onFlushed) {
      // Only this follower gets the frame, so joining header and payload would be a copy that no other follower shares.
      this.#below.cork();
      const parts = messages(frame);
      const last = parts.pop() as Uint8Array;
      for (const part of parts) this.#below.write(part);
      this.#below.write(last, () => {
        onFlushed();
        this.#drain?.look();
      });
      this.#below.uncork();
    } else {
      frame.encoded ??= Buffer.concat(messages(frame));
      this.#below.write(frame.encoded as Uint8Array);
    }
  }

  drained(bytes: number): Promise<void> {
    if (this.pending <= bytes) return Promise.resolve();
    if (!this.#drain) {
      this.#drain = new Drain(() => this.pending, true);
      this.#below.once("close", () => this.gone());
    }
    // No event reports that a shared frame has been sent, but this callback runs when everything before it has been.
    if (!this.#below.writableEnded) this.#below.write(NO_BYTES, () => this.#drain?.look());
    return this.#drain.wait(bytes);
  }

  onClosing(closes: () => void): void {
    // The package calls this to answer the peer's close frame.
    this.ws.close = (code, reason) => {
      this.close(code, reason);
      closes();
    };
  }

  override close(code?: number, reason?: string | Buffer): void {
    this.#isClosing = true;
    super.close(code, reason);
  }

  override gone(): void {
    super.gone();
    this.#drain?.look();
  }
}

const closingWatch = new ClosingWatch();

/** For Bun's substitute of the package, which takes over the network socket. */
class SendingPort extends WsPort {
  readonly #drain = new Drain(() => this.pending);
  #isClosing = false;

  get closing(): boolean {
    return this.#isClosing || this.ws.readyState !== this.ws.OPEN;
  }

  get pending(): number {
    return this.isGone || this.ws.readyState !== this.ws.OPEN ? 0 : this.ws.bufferedAmount;
  }

  send({ bytes, text }: Frame): void {
    for (const piece of text ? textPieces(bytes) : [bytes]) {
      if (!this.closing) this.ws.send(piece, { binary: !text });
    }
  }

  drained(bytes: number): Promise<void> {
    return this.#drain.wait(bytes);
  }

  onClosing(closes: () => void): void {
    closingWatch.watch(this, closes);
  }

  override close(code?: number, reason?: string | Buffer): void {
    if (this.closing) return;
    closingWatch.forget(this);
    if (this.pending === 0) {
      super.close(code, reason);
      return;
    }
    this.#isClosing = true;
    closeWhenSent(this.#drain, {
      close: () => super.close(code, reason),
      terminate: () => this.terminate(),
    });
  }

  override gone(): void {
    super.gone();
    closingWatch.forget(this);
    this.#drain.look();
  }
}

/** Headers and payloads of the messages that a frame becomes. */
function messages({ bytes, text }: Frame): Uint8Array[] {
  if (!text) return [messageHeader(bytes, false), bytes];
  return textPieces(bytes).flatMap((piece) => [messageHeader(piece, true), piece]);
}

/** The header of an unmasked, unfragmented frame (RFC 6455 section 5.2). */
function messageHeader({ length }: Uint8Array, text: boolean): Buffer {
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const header = Buffer.allocUnsafe(size);
  header[0] = text ? 0x81 : 0x82;
  if (size === 2) {
    header[1] = length;
  } else if (size === 4) {
    header[1] = 126;
    header.writeUInt16BE(length, 2);
  } else {
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(length), 2);
  }
  return header;
}
