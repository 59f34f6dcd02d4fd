/**
 * Bun's own server: `export default { fetch: app.fetch, websocket }`.
 * @module
 */
import type { Context } from "hono";
import { createBunWebSocket } from "hono/bun";
import { DEFAULT_LIMITS } from "../../engine/limits.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Platform, SocketHandler } from "../../server/platform/platform.ts";
import { abortsNow } from "../shared/body-end.ts";
import { refusalOf } from "../shared/refusals.ts";
import { passOn } from "../shared/socket-events.ts";
import { BunPort, type BunSocket } from "./port.ts";

export type { BunSocket } from "./port.ts";

/** The part of Bun's server that is used here. It is missing for a request that was made without a server. */
interface BunServer {
  upgrade(request: Request, options: { headers?: Record<string, string>; data: SocketData }): boolean;
  timeout?(request: Request, seconds: number): void;
  requestIP?(request: Request): { address: string } | null;
}

/** The data of each socket: what Hono's handlers for Bun expect, and two properties of this package. */
export interface SocketData {
  /** The callbacks that Hono's handlers call. */
  events: Record<string, unknown>;
  /** The requested URL. */
  url: URL;
  /** The chosen subprotocol; empty without one. */
  protocol: string;
  /** @internal The port of the open socket. */
  port?: BunPort;
  /** @internal The handler of its messages; missing for another route of the app. */
  handler?: SocketHandler;
}

/** Seconds without progress after which Bun ends a response that is dropped; 0 would be never. */
const DROP_S = 1;

/** Hono's handlers, in the way that every version of Hono 4 exports them. */
const { websocket: honoWebSocket } = createBunWebSocket();

/** The `websocket` half of a Bun server: its handlers and settings. */
export interface BunWebSocket {
  /** Called when a socket has opened. */
  open(socket: BunSocket<SocketData>): void;
  /** Called for each message. */
  message(socket: BunSocket<SocketData>, message: string | Uint8Array<ArrayBuffer>): void;
  /** Called when a socket has closed. */
  close(socket: BunSocket<SocketData>, code?: number, reason?: string): void;
  /** Called when some buffered bytes have been sent. */
  drain(socket: BunSocket<SocketData>): void;
  /** Called when a ping has been answered. */
  pong(socket: BunSocket<SocketData>): void;
  /** Seconds of silence after which Bun closes a socket; 0 for never. */
  idleTimeout: number;
  /** Whether Bun sends pings by itself. */
  sendPings: boolean;
  /** Whether messages are compressed. */
  perMessageDeflate: boolean;
  /** Maximum size of a message in bytes. */
  maxPayloadLength: number;
  /** Bytes that may be buffered before Bun drops further messages. */
  backpressureLimit: number;
  /** Whether Bun then closes the socket. */
  closeOnBackpressureLimit: boolean;
}

/**
 * The `websocket` half of a Bun server: Hono's, with settings for long-lived streams. It serves other WebSocket routes
 * of the app, too. Hono's own works as well, except for quiet appenders, which Bun disconnects after 120 s.
 *
 * @example
 * ```ts
 * export default { fetch: app.fetch, websocket, idleTimeout: 0 };
 * ```
 */
export const websocket: BunWebSocket = {
  open: (socket) => honoWebSocket.open(socket),
  close: (socket, code, reason) => honoWebSocket.close(socket, code, reason),
  message(socket, message) {
    // Hono passes on the buffer of a message without its offset.
    if (!socket.data.handler) honoWebSocket.message(socket as never, message as never);
    else passOn(socket.data.handler, message);
  },
  drain: (socket) => socket.data.port?.drainedNow(),
  pong: (socket) => socket.data.handler?.ponged(),
  idleTimeout: 0,
  sendPings: false,
  perMessageDeflate: false,
  maxPayloadLength: DEFAULT_LIMITS.messageBytes,
  // The buffer of a port stays below its follower's budget; Bun must never drop a frame.
  backpressureLimit: DEFAULT_LIMITS.messageBytes,
  closeOnBackpressureLimit: false,
};

/**
 * The platform for this runtime.
 *
 * @internal
 * @ignore
 */
export const platform: Platform = {
  name: "bun",
  supportsRawText: false,
  // Bun closes a socket with 1007 if its text is not UTF-8; any other text survives the conversion to a string.
  acceptsText: true,
  checkUpgrade: (c) => void upgradingServer(c),
  async upgrade(c, handler, { protocol, headers: more }): Promise<Response> {
    const server = upgradingServer(c);
    const data: SocketData = {
      url: new URL(c.req.url),
      protocol: protocol ?? "",
      handler,
      events: {
        onOpen(_event: Event, { raw }: { raw: BunSocket<SocketData> }) {
          data.port = new BunPort(raw);
          handler.opened(data.port);
        },
        // Called only if the server uses Hono's own `websocket` instead of this module's.
        onMessage: (event: MessageEvent<string | ArrayBuffer>) => passOn(handler, event.data),
        onClose({ code, reason }: CloseEvent) {
          // No peer can send this code: Bun has ended the connection, and gives the reason.
          if (code === 1006 && reason.startsWith("Received "))
            handler.refused(refusalOf(reason, handler.messageLimits));
          data.port?.gone();
          handler.closed();
        },
      },
    };
    // Empty rather than missing, because Bun would then echo the first subprotocol that the client offers.
    const headers = { "Sec-WebSocket-Protocol": protocol ?? "", ...more };
    if (!server.upgrade(c.req.raw, { data, headers })) handler.closed();
    return new Response(null);
  },
  bodyWatch(c) {
    // A request with a body over HTTP/1 has one of these.
    if (c.req.header("Transfer-Encoding") !== undefined || c.req.header("Content-Length") !== undefined)
      return undefined;
    const { signal } = c.req.raw;
    return () => abortsNow(signal);
  },
  peer: (c) => serverOf(c)?.requestIP?.(c.req.raw)?.address,
  // Middleware may wrap a body and not pass on that its reader has left.
  onGone(c, gone) {
    const { signal } = c.req.raw;
    if (signal.aborted) gone();
    else signal.addEventListener("abort", gone, { once: true });
  },
  // Bun would print an error with an excerpt of this source; for `undefined` it prints nothing.
  bodyError: () => undefined,
  // Bun has no other way to end a response whose client does not read. It checks its timers once in some seconds.
  drop: (c) => serverOf(c)?.timeout?.(c.req.raw, DROP_S),
  disableRequestTimeout: (c) => serverOf(c)?.timeout?.(c.req.raw, 0),
};

/** Bun's server, the second argument of `app.fetch` or its property `server`; `undefined` for `app.request()`. */
function serverOf(c: Context): BunServer | undefined {
  const env = c.env as BunServer | { server: BunServer } | undefined;
  return env && "server" in env ? env.server : env;
}

/** Servers that are known to support upgrades. */
const upgrading = new WeakSet<BunServer>();

/**
 * Returns Bun's server, if it supports upgrades.
 *
 * @throws {StreamError} `misconfigured`
 */
function upgradingServer(c: Context): BunServer {
  const server = serverOf(c);
  if (typeof server?.upgrade !== "function") {
    throw missing("This app does not get Bun's server: pass it as the second argument of app.fetch.");
  }
  if (upgrading.has(server)) return server;
  try {
    // This request cannot be upgraded, so the result does not matter; if the server has no handlers, the call throws.
    server.upgrade(new Request("http://localhost/"), { data: {} as SocketData });
  } catch (error) {
    const remedy = 'export default { fetch: app.fetch, websocket }, with "websocket" of "httpfstream/bun"';
    throw missing(`WebSockets do not reach this app: Bun's server has no "websocket". Write ${remedy}.`, error);
  }
  upgrading.add(server);
  return server;
}

function missing(message: string, cause?: unknown): StreamError {
  return new StreamError("misconfigured", message, cause === undefined ? {} : { cause });
}
