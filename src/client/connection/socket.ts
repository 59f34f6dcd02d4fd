/**
 * The seam between the client and a platform's WebSocket.
 * @module
 */
import type { Closing } from "./failure.ts";

/** An open WebSocket, on whatever platform. */
export interface ClientSocket {
  /** The subprotocol that the server has taken; empty for none. */
  readonly protocol: string;
  /** Whether text frames carry any bytes, valid UTF-8 or not, exactly as they are. */
  readonly exactText: boolean;
  /** Bytes handed over that have not left yet, as far as the platform knows. */
  readonly pending: number;
  /**
   * Sends one data frame; resolves when there is room for the next.
   *
   * @throws {StreamError} `unreachable` when the connection is gone, `not_text` for bytes that cannot be text here.
   */
  send(bytes: Uint8Array, text: boolean): Promise<void>;
  /** Stops reading from the server, where the platform can. */
  pause?(): void;
  /** Reads on. */
  resume?(): void;
  /** Shows the server that somebody is there, where the platform can. */
  keepAlive?(): void;
  /** Begins the closing handshake, after everything sent before. */
  close(code: number): void;
  /** Drops the connection at once. */
  terminate(): void;
}

/** Takes what happens on a socket. */
export interface SocketHandler {
  /** A data frame arrived. May come before {@link Connect} has resolved. */
  frame(bytes: Uint8Array, text: boolean): void;
  /** The server gave a sign of life without data, where the platform shows those. */
  heard?(): void;
  /** The connection is gone. Comes exactly once, after every frame. */
  closed(closing: Closing): void;
}

/** What to open. */
export interface SocketRequest {
  /** The resource with its verb, as `http:` or `https:`. */
  readonly url: URL;
  /** Headers to send along. */
  readonly headers: Headers;
  /** Gives up, also after the connection is open. */
  readonly signal: AbortSignal;
  /** The subprotocol to offer. A server that does not take it is spoken to without any. */
  readonly protocol?: string;
  /** Whether a server that does not take the subprotocol is of no use. */
  readonly requireProtocol?: boolean;
}

/** One platform's way to open a WebSocket. */
export type Connect = (request: SocketRequest, handler: SocketHandler) => Promise<ClientSocket | Response>;

/** Keeps what happens on a socket until it is known who takes it. */
export class Relay implements SocketHandler {
  #handler: SocketHandler | undefined;
  #waiting: ((handler: SocketHandler) => void)[] = [];

  /** From now on, and for everything so far, this is who takes it. */
  to(handler: SocketHandler): void {
    for (const event of this.#waiting) event(handler);
    this.#waiting = [];
    this.#handler = handler;
  }

  frame(bytes: Uint8Array, text: boolean): void {
    if (this.#handler) this.#handler.frame(bytes, text);
    else this.#waiting.push((handler) => handler.frame(bytes, text));
  }

  heard(): void {
    this.#handler?.heard?.();
  }

  closed(closing: Closing): void {
    if (this.#handler) this.#handler.closed(closing);
    else this.#waiting.push((handler) => handler.closed(closing));
  }
}
