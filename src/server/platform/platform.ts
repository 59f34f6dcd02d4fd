/**
 * The seam between the faces and a runtime: what a WebSocket can do, and how a request becomes one.
 * @module
 */
import type { Context } from "hono";
import type { Sink } from "../../engine/follow/follower.ts";
import type { StreamError } from "../../protocol/errors.ts";
import type { MessageLimits } from "./message-limits.ts";

/** An open WebSocket, on whatever runtime. As a {@link Sink} it takes frames of its kind. */
export interface SocketPort extends Sink {
  /** Whether either side has begun to close, or the connection has gone. */
  readonly closing: boolean;
  /** Sends a ping, where the runtime lets us. */
  ping?(): void;
  /** Whether the peer is not read from now: its answers to pings wait with everything else. */
  readonly paused?: boolean;
  /** Stops reading from the peer, where the runtime can. */
  pause?(): void;
  /** Reads on. */
  resume?(): void;
  /** Begins the closing handshake, after everything sent before. */
  close(code: number, reason: string): void;
  /** Drops the connection at once. */
  terminate(): void;
}

/** What a face does with a WebSocket. `closed` comes exactly once, also for an upgrade that never completed. */
export interface SocketHandler {
  /** How large the peer's messages may be. */
  readonly most: MessageLimits;
  opened(port: SocketPort): void;
  message(bytes: Uint8Array, text: boolean): void;
  /** The peer sent what can't be taken: a message that is too large, broken frames. No message comes after it. */
  refused(error: StreamError): void;
  /** The peer answered a ping. */
  ponged(): void;
  closed(): void;
}

/** How to upgrade. */
export interface UpgradeOptions {
  /** The subprotocol to echo. */
  readonly protocol?: string;
  /** Whether the peer may stay silent for ever, not even answering pings: no watchdog of the runtime may end it. */
  readonly mayBeSilent: boolean;
}

/** One runtime's way of doing what web standards leave open. */
export interface Platform {
  /** Its name, for logs. */
  readonly name: string;
  /** Whether text frames carry any bytes, as the Go program sends them, exactly as they are. */
  readonly keepsText: boolean;
  /** Whether no byte of a text frame can be altered or lost without our seeing it, so that appenders may send them. */
  readonly takesText: boolean;
  /** Whether bodies of responses are read with the `getReader` that they have, so that it may be replaced. */
  readonly readsBodies?: boolean;
  /** Whether every read of a request body costs a whole buffer, so that one of ours is better used again. */
  readonly fillsBuffers?: boolean;
  /**
   * Looks whether a request can become a WebSocket here at all, before anything is done for it.
   *
   * @throws {StreamError} `misconfigured` with what is missing in the program that serves the app.
   */
  checkUpgrade?(c: Context): void;
  /** The host that the request was sent to, where it stands elsewhere than in a `Host` header, as over HTTP/2. */
  authority?(c: Context): string | undefined;
  /** Whether the request came over a version of HTTP that has no upgrades, and refuses the header. */
  neverUpgrades?(c: Context): boolean;
  /**
   * Begins to watch a request body whose end may be none, because its client has reset the request. What results is asked
   * once the body has ended, with the number of its bytes. Nothing where an end is an end.
   */
  bodyWatch?(c: Context): ((bytes: number) => Promise<boolean>) | undefined;
  /** Whether the request's body has turned out to be malformed from its beginning; its client has been told. */
  isUnreadable?(c: Context): boolean;
  /** Turns the request into a WebSocket; resolves with what the handler of the route must return. */
  upgrade(c: Context, handler: SocketHandler, options: UpgradeOptions): Promise<Response>;
  /** The target of the request line as it was sent, where the runtime tells. */
  target?(c: Context): string | undefined;
  /**
   * Waits until the response has its connection, where a request may come before: true then, false when the connection has
   * gone. Nothing where it has it already. Nothing is to be opened before.
   */
  turn?(c: Context): Promise<boolean> | undefined;
  /** The client's address. */
  peer?(c: Context): string | undefined;
  /**
   * Calls back when the connection of a response has gone, or the response is sent; where the runtime does not cancel
   * the body of every response whose client has left.
   */
  onGone?(c: Context, gone: () => void): void;
  /**
   * Cuts a response off whose body must not look complete, after everything that was sent; where an error of the body does
   * not do that by itself.
   */
  cut?(c: Context): Promise<void>;
  /**
   * What a response body fails with, where the runtime writes that to its console: something that no path and no cause can
   * harm, and without a stack trace.
   */
  bodyError?(error: unknown): unknown;
  /** Resolves when the response is sent, or its connection has gone; nothing where the runtime does not tell. */
  responseSent?(c: Context): Promise<unknown> | undefined;
  /** Tells the runtime that this request may stay quiet for as long as it likes. */
  disableRequestTimeout?(c: Context): void;
}
