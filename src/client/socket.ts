/**
 * The seam between the client and a platform's WebSocket.
 * @module
 */
import type { Closing } from "./failure.ts";

/** An open WebSocket, on whatever platform. */
export interface ClientSocket {
  /** Whether text frames carry any bytes, valid UTF-8 or not, exactly as they are. */
  readonly exactText: boolean;
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
  /** A data frame arrived. May come before {@link connect} has resolved. */
  frame(bytes: Uint8Array, text: boolean): void;
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
}

/** One platform's way to open a WebSocket. */
export type Connect = (request: SocketRequest, handler: SocketHandler) => Promise<ClientSocket | Response>;
