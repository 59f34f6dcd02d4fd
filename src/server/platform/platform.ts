/**
 * The seam between the server and the runtimes: what a WebSocket can do, and how a request becomes one.
 * @module
 */
import type { Context } from "hono";
import type { Sink } from "../../engine/follow/follower.ts";
import type { StreamError } from "../../protocol/errors.ts";
import type { BodyReader } from "./body.ts";
import type { MessageLimits } from "./message-limits.ts";

/** An open WebSocket on any runtime. As a {@link Sink}, it sends each frame as a text or binary message. */
export interface SocketPort extends Sink {
  /** Whether either side has begun to close, or the connection is gone. */
  readonly closing: boolean;
  /** Sends a ping, where the runtime allows it. */
  ping?(): void;
  /** Whether reading from the peer is paused. Its pongs then wait behind its other data. */
  readonly paused?: boolean;
  /** Stops reading from the peer, where the runtime can. */
  pause?(): void;
  /** Resumes reading. */
  resume?(): void;
  /** Begins the closing handshake after everything sent before. */
  close(code: number, reason: string): void;
  /** Drops the connection at once. */
  terminate(): void;
}

/**
 * Handles one WebSocket. A platform may call `closed` more than once, and also for an upgrade that never completes;
 * only the first call counts.
 */
export interface SocketHandler {
  /** Maximum sizes of the peer's messages. */
  readonly messageLimits: MessageLimits;
  opened(port: SocketPort): void;
  message(bytes: Uint8Array, text: boolean): void;
  /**
   * The peer sent something unacceptable: a message that is too large, or malformed frames. The handler ends the
   * connection and ignores any later message.
   */
  refused(error: StreamError): void;
  /** The peer answered a ping. */
  ponged(): void;
  closed(): void;
}

/** Options of an upgrade. */
export interface UpgradeOptions {
  /** The subprotocol to echo. */
  readonly protocol?: string;
  /**
   * Whether the peer may stay silent forever, without even answering pings. If so, no watchdog of the runtime may end
   * it.
   */
  readonly mayBeSilent: boolean;
  /** More headers of the response, where the runtime allows any. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How one runtime does what web standards leave open. */
export interface Platform {
  /** The name of the runtime. Hono's helper for `bun` needs no wrapper. */
  readonly name: string;
  /** Whether text frames can carry bytes that are not UTF-8 unchanged, in both directions. */
  readonly supportsRawText: boolean;
  /** Whether an appender may send text frames: the runtime alters or drops no byte of one without an error. */
  readonly acceptsText: boolean;
  /** Whether the runtime reads response bodies through their own `getReader`, so that it may be replaced. */
  readonly readsBodies?: boolean;
  /**
   * A reader for the body of a request, where the runtime has a cheaper one than the body itself. Undefined if a middleware
   * has replaced the request, or may have read its body.
   */
  body?(c: Context): BodyReader | undefined;
  /** Whether every read of a request body allocates a whole buffer, so that reusing one buffer is cheaper. */
  readonly fillsBuffers?: boolean;
  /**
   * Checks whether a request can become a WebSocket at all, before anything is done for it.
   *
   * @throws {StreamError} `misconfigured`, with what the program that serves the app lacks.
   */
  checkUpgrade?(c: Context): void;
  /** The host that the request was sent to, where it is not in a `Host` header, as over HTTP/2. */
  authority?(c: Context): string | undefined;
  /** Whether the request uses a version of HTTP that has no upgrades and forbids the `Upgrade` header. */
  neverUpgrades?(c: Context): boolean;
  /**
   * Starts watching a request body that may end early because its client has reset the request. Once the body has
   * ended, call the result with the number of bytes read; it resolves to whether the body is incomplete. `undefined`
   * where the end of a body is reliable.
   */
  bodyWatch?(c: Context): ((bytes: number) => Promise<boolean>) | undefined;
  /** Whether the request body was malformed from its first byte. The client has then been answered already. */
  isUnreadable?(c: Context): boolean;
  /** Turns the request into a WebSocket. Resolves to the response that the route's handler must return. */
  upgrade(c: Context, handler: SocketHandler, options: UpgradeOptions): Promise<Response>;
  /** The target of the request line as the client sent it, where the runtime exposes it. */
  target?(c: Context): string | undefined;
  /**
   * Waits until the response owns its connection, which a pipelined request may have to wait for. Resolves to true
   * then, or to false if the connection closes first. `undefined` if the response already owns it. Open nothing for the
   * request before.
   */
  turn?(c: Context): Promise<boolean> | undefined;
  /** The client's address. */
  peer?(c: Context): string | undefined;
  /**
   * Calls back when the connection of a response is gone or the response has been sent. For runtimes that do not cancel
   * the body of every response whose client has left.
   */
  onGone?(c: Context, gone: () => void): void;
  /**
   * Cuts off a response whose body must not seem complete, after everything that was sent. For runtimes where an error
   * of the body does not do that.
   */
  cut?(c: Context): Promise<void>;
  /**
   * Drops the connection of a response at once, whether or not its client reads. Missing where the runtime has no way to
   * do it.
   */
  drop?(c: Context): void;
  /**
   * The value that a response body fails with, where the runtime writes it to the console: one that contains no stack
   * trace, and no path or cause that could corrupt a log.
   */
  bodyError?(error: unknown): unknown;
  /**
   * Resolves when the response has been sent or its connection is gone; `undefined` where the runtime does not report it.
   */
  responseSent?(c: Context): Promise<unknown> | undefined;
  /** Prepares the runtime for a long-lived request: disables its timeout, or gathers small chunks of its body. */
  disableRequestTimeout?(c: Context): void;
}
