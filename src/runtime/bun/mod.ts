/**
 * Bun's own server: `export default { fetch: app.fetch, websocket }`.
 * @module
 */
import type { Context } from "hono";
import { getBunServer, websocket as honoWebSocket } from "hono/bun";
import { DEFAULT_LIMITS } from "../../engine/limits.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { Platform, SocketHandler } from "../../server/platform/platform.ts";
import { abortsNow } from "../shared/body-end.ts";
import { refusalOf } from "../shared/refusals.ts";
import { passOn } from "../shared/socket-events.ts";
import { BunPort, type BunSocket } from "./port.ts";

/** What is used of Bun's server; a request that was made without one has none of it. */
interface BunServer {
  upgrade(request: Request, options: { headers?: Record<string, string>; data: SocketData }): boolean;
  timeout?(request: Request, seconds: number): void;
  requestIP?(request: Request): { address: string } | null;
}

/** What hangs on each socket: the shape that Hono's handlers for Bun know, and a word of our own. */
export interface SocketData {
  /** What Hono's handlers call. */
  events: Record<string, unknown>;
  /** The URL that was asked for. */
  url: URL;
  /** The subprotocol that was chosen; empty for none. */
  protocol: string;
  /** @internal The open socket, as the faces see it. */
  port?: BunPort;
  /** @internal What takes its messages, unless they are for another route of the app. */
  handler?: SocketHandler;
}

type Socket = BunSocket<SocketData>;

/** The `websocket` half of a Bun server: its handlers and settings. */
export interface BunWebSocket {
  /** A socket has opened. */
  open(socket: Socket): void;
  /** A message arrived. */
  message(socket: Socket, message: string | Uint8Array<ArrayBuffer>): void;
  /** A socket has closed. */
  close(socket: Socket, code?: number, reason?: string): void;
  /** Some of what was sent has left. */
  drain(socket: Socket): void;
  /** A ping was answered. */
  pong(socket: Socket): void;
  /** Seconds of silence after which Bun cuts a socket off; 0 for never. */
  idleTimeout: number;
  /** Whether Bun pings by itself. */
  sendPings: boolean;
  /** Whether messages are compressed. */
  perMessageDeflate: boolean;
  /** Largest message that is accepted, in bytes. */
  maxPayloadLength: number;
  /** Bytes that may wait to be sent before Bun drops what comes next. */
  backpressureLimit: number;
  /** Whether it closes the socket then. */
  closeOnBackpressureLimit: boolean;
}

/**
 * The `websocket` half of a Bun server: Hono's, with settings for long-lived streams. It serves other WebSocket routes
 * of the app too. Hono's own works as well, but for quiet appenders, which Bun cuts off after 120 s.
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
    // Hono's passes the memory below a message, without its offset.
    if (!socket.data.handler) honoWebSocket.message(socket as never, message as never);
    else passOn(socket.data.handler, message);
  },
  drain: (socket) => socket.data.port?.drainedNow(),
  pong: (socket) => socket.data.handler?.ponged(),
  idleTimeout: 0,
  sendPings: false,
  perMessageDeflate: false,
  maxPayloadLength: DEFAULT_LIMITS.messageBytes,
  // What a port hands over stays below its budget; Bun must never drop a frame that it was given.
  backpressureLimit: DEFAULT_LIMITS.messageBytes,
  closeOnBackpressureLimit: false,
};

/** @internal This runtime, as the faces see it. */
export const platform: Platform = {
  name: "bun",
  keepsText: false,
  // Bun closes a socket with 1007 whose text is not UTF-8; the rest survives the way through a string.
  takesText: true,
  checkUpgrade: (c) => void upgradingServer(c),
  async upgrade(c, handler, { protocol }): Promise<Response> {
    const server = upgradingServer(c);
    const data: SocketData = {
      url: new URL(c.req.url),
      protocol: protocol ?? "",
      handler,
      events: {
        onOpen(_event: Event, { raw }: { raw: Socket }) {
          data.port = new BunPort(raw);
          handler.opened(data.port);
        },
        // Comes only where Hono's own `websocket` is used instead of ours.
        onMessage: (event: MessageEvent<string | ArrayBuffer>) => passOn(handler, event.data),
        onClose({ code, reason }: CloseEvent) {
          // No peer can send this code: Bun has ended the connection, and says why.
          if (code === 1006 && reason.startsWith("Received ")) handler.refused(refusalOf(reason, handler.most));
          data.port?.gone();
          handler.closed();
        },
      },
    };
    // An empty one, for without any Bun echoes the first that was offered, whatever it is.
    const headers = { "Sec-WebSocket-Protocol": protocol ?? "" };
    if (!server.upgrade(c.req.raw, { data, headers })) handler.closed();
    return new Response(null);
  },
  bodyWatch(c) {
    // Over HTTP/1 it would have one of them.
    if (c.req.header("Transfer-Encoding") !== undefined || c.req.header("Content-Length") !== undefined)
      return undefined;
    const { signal } = c.req.raw;
    return () => abortsNow(signal);
  },
  peer: (c) => serverOf(c)?.requestIP?.(c.req.raw)?.address,
  // A middleware may have put itself between a body and its reader, and forget to pass on that this has left.
  onGone(c, gone) {
    const { signal } = c.req.raw;
    if (signal.aborted) gone();
    else signal.addEventListener("abort", gone, { once: true });
  },
  // Bun would print it with an excerpt of our source, and of this nothing at all.
  bodyError: () => undefined,
  disableRequestTimeout: (c) => serverOf(c)?.timeout?.(c.req.raw, 0),
};

/** Bun's server; none for a request that came without one, as from `app.request()`, which Hono's own way trips over. */
function serverOf(c: Context): BunServer | undefined {
  return c.env ? getBunServer<BunServer>(c) : undefined;
}

/** Servers that are known to upgrade. */
const upgrading = new WeakSet<BunServer>();

/**
 * Bun's server, if it can upgrade.
 *
 * @throws {StreamError} `misconfigured`
 */
function upgradingServer(c: Context): BunServer {
  const server = serverOf(c);
  if (typeof server?.upgrade !== "function") {
    throw missing("Bun's server does not reach this app: pass it on as the second argument of app.fetch.");
  }
  if (upgrading.has(server)) return server;
  try {
    // No request that could be upgraded: true or false does not matter, but without handlers it throws.
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
