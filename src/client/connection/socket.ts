/**
 * The interface between the client and the platform's WebSocket.
 * @module
 */
import type { Closing } from "./failure.ts";

/** An open WebSocket of any platform. */
export interface ClientSocket {
  /** The subprotocol that the server selected; empty if it selected no subprotocol. */
  readonly protocol: string;
  /** Whether text frames carry any bytes unchanged, valid UTF-8 or not. */
  readonly exactText: boolean;
  /** Bytes in the send buffer, as far as the platform knows. */
  readonly pending: number;
  /**
   * Sends one data frame. Resolves when there is room for the next.
   *
   * @throws {StreamError} `unreachable` when the connection is gone, `not_text` for bytes that cannot be text here.
   */
  send(bytes: Uint8Array, text: boolean): Promise<void>;
  /** Stops reading from the server, if the platform supports it. */
  pause?(): void;
  /** Resumes reading. */
  resume?(): void;
  /** Sends a keepalive to the server, if the platform supports it. */
  keepAlive?(): void;
  /** Starts the closing handshake after all frames sent before. */
  close(code: number): void;
  /** Drops the connection at once. */
  terminate(): void;
}

/** Handles the events of a socket. */
export interface SocketHandler {
  /** A data frame arrived. May be called before {@link Connect} has resolved. */
  frame(bytes: Uint8Array, text: boolean): void;
  /** The server sent a sign of life without data. Called only if the platform shows those. */
  heard?(): void;
  /** The connection is gone. Called exactly once, after all frames. */
  closed(closing: Closing): void;
}

/** What to open. */
export interface SocketRequest {
  /** The resource with its verb, as `http:` or `https:`. */
  readonly url: URL;
  /** Headers to send. */
  readonly headers: Headers;
  /** Aborts the attempt, or the connection once it is open. */
  readonly signal: AbortSignal;
  /** The subprotocol to offer. If the server does not select it, the connection has no subprotocol. */
  readonly protocol?: string;
  /** Whether to fail if the server does not select the subprotocol. Default false. */
  readonly requireProtocol?: boolean;
}

/** Opens a WebSocket on one platform. */
export type Connect = (request: SocketRequest, handler: SocketHandler) => Promise<ClientSocket | Response>;

/** Buffers the events of a socket until their handler is known. */
export class Relay implements SocketHandler {
  #handler: SocketHandler | undefined;
  #waiting: ((handler: SocketHandler) => void)[] = [];

  /** Passes the buffered events and all later ones to `handler`. */
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
