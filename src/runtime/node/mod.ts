/**
 * The node stack: `@hono/node-server`, `@hono/node-ws` and `ws`. It runs on Node, and unchanged on Deno and Bun through
 * their compatibility with Node. The standalone server uses it on all three, because only `ws` keeps every byte of a
 * text frame.
 * @module
 */
import cluster from "node:cluster";
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { createNodeWebSocket } from "@hono/node-ws";
import { type Context, Hono } from "hono";
import { defineWebSocketHelper, type UpgradeWebSocket } from "hono/ws";
// @ts-types="@types/ws"
import type { WebSocket } from "ws";
import type { Log } from "../../engine/events.ts";
import { DEFAULT_LIMITS } from "../../engine/limits.ts";
import { StreamError } from "../../protocol/errors.ts";
import type { MessageLimits } from "../../server/platform/message-limits.ts";
import type { Platform, SocketHandler } from "../../server/platform/platform.ts";
import { abortsNow } from "../shared/body-end.ts";
import { watchAccept } from "./accept/accept-watch.ts";
import { ConnectionLimit } from "./accept/connection-limit.ts";
import { sendBytes, sendEmpty } from "./body.ts";
import { gatherChunks } from "./chunks.ts";
import { cutResponse, dropResponse } from "./cut.ts";
import { cutStream, dropStream, type Http2Env, isHttp2, whenOvertaken } from "./http2.ts";
import { ANSWERED, Lingering } from "./linger.ts";
import { sendLive } from "./live.ts";
import { answerFailed, answerUnreadable, isUnreadable } from "./parse-errors.ts";
import { isDetached, turnOf } from "./pipeline.ts";
import { type FetchApp, injectWebSocket, whenUpgraded } from "./upgrade.ts";
import { attachWs } from "./ws-port.ts";

export { type FetchApp, injectWebSocket, type UpgradeServer } from "./upgrade.ts";

/** The environment that `@hono/node-server` gives a handler. */
interface NodeEnv {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
}

/**
 * Bytes by which a message may exceed its limit and still be received. If `ws` itself refuses it, it gives no reason.
 */
const SLACK_BYTES = 64 * 1024;

/** Length of the kernel's accept queue. With the default of 511, a burst of connections waits for a second. */
const BACKLOG = 4096;

/** Milliseconds between two checks for idle connections while a server closes. */
const IDLE_LOOK_MS = 20;

/** Milliseconds between two checks for requests whose headers are late; shorter for a short limit. */
const HEADERS_LOOK_MS = 5_000;

// One helper for all apps: it accepts any socket that is emitted on its server.
const nodeWs = createNodeWebSocket({ app: new Hono() });

/**
 * Hono's WebSocket helper for other routes of the same app.
 *
 * @example
 * ```ts
 * app.get("/echo", upgradeWebSocket(() => ({ onMessage: (event, ws) => ws.send(event.data) })));
 * ```
 */
export const upgradeWebSocket: UpgradeWebSocket<WebSocket> = defineWebSocketHelper(async (c, events, options) => {
  const { incoming } = c.env as NodeEnv;
  if (!incoming || c.req.header("Upgrade")?.toLowerCase() !== "websocket") return;
  const response = await nodeWs.upgradeWebSocket(c, events, options);
  const emit = (ws: WebSocket): boolean => nodeWs.wss.emit("connection", ws, incoming);
  whenUpgraded(incoming, {
    open(ws) {
      // The helper attaches its listeners some microtasks later; data that arrives before must wait for them.
      ws.pause();
      setImmediate(() => ws.resume());
      emit(ws);
    },
    // The helper waits for this socket, so it gets one that is already closed.
    failed: () => void emit(closedSocket()),
  });
  return response;
});

/**
 * The platform for this runtime.
 *
 * @internal
 * @ignore
 */
export const platform: Platform = {
  name: "node",
  supportsRawText: true,
  acceptsText: true,
  readsBodies: true,
  checkUpgrade(c) {
    // `injectWebSocket` gives each upgrade a response of its own.
    if (isDetached((c.env as NodeEnv).outgoing)) return;
    throw new StreamError(
      "misconfigured",
      'WebSockets do not reach this app: the program that serves it must call injectWebSocket(server, app) of "httpfstream/node".',
    );
  },
  // Does not use the helper of node-ws: its pending promise would retain the whole request until a major GC.
  async upgrade(c: Context, handler: SocketHandler, { protocol, headers }): Promise<Response> {
    whenUpgraded((c.env as NodeEnv).incoming, {
      protocol,
      headers,
      maxPayload: gatheredBytes(handler.messageLimits),
      open: (ws, below) => attachWs(ws, below, handler),
      failed: () => handler.closed(),
    });
    // Without a body, `@hono/node-server` would build a whole Response just for its status.
    return new Response("");
  },
  target: (c) => (c.env as NodeEnv).incoming.url,
  authority: (c) => (isHttp2(c) ? (c.env as Http2Env).incoming.headers[":authority"] : undefined),
  neverUpgrades: isHttp2,
  bodyWatch(c) {
    // The protocol itself checks a length.
    if (!isHttp2(c) || c.req.header("Content-Length") !== undefined) return undefined;
    const { signal } = c.req.raw;
    return () => abortsNow(signal, whenOvertaken((c.env as Http2Env).incoming));
  },
  // A server that listens on all interfaces sees IPv4 addresses as IPv4-mapped IPv6 addresses.
  peer: (c) => (c.env as NodeEnv).incoming.socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, ""),
  turn(c) {
    const { incoming, outgoing } = c.env as NodeEnv;
    return isHttp2(c) ? undefined : turnOf(incoming, outgoing);
  },
  isUnreadable: (c) => isUnreadable((c.env as NodeEnv).incoming),
  disableRequestTimeout: (c) => gatherChunks((c.env as NodeEnv).incoming),
  onGone(c, gone) {
    const { incoming, outgoing } = c.env as NodeEnv;
    if (incoming.socket.destroyed || isGone(c)) gone();
    else outgoing.once("close", gone);
  },
  cut: (c) => (isHttp2(c) ? cutStream((c.env as Http2Env).outgoing) : cutResponse((c.env as NodeEnv).outgoing)),
  drop: (c) => (isHttp2(c) ? dropStream((c.env as Http2Env).outgoing) : dropResponse((c.env as NodeEnv).outgoing)),
  responseSent(c) {
    const { outgoing } = c.env as NodeEnv;
    return new Promise<void>((resolve) => {
      if (isGone(c) || outgoing.writableFinished) resolve();
      else for (const event of [ANSWERED, "finish", "close"]) outgoing.once(event, resolve);
    });
  },
};

function isGone(c: Context): boolean {
  const { outgoing } = c.env as NodeEnv | Http2Env;
  return "stream" in outgoing ? outgoing.stream.destroyed : outgoing.destroyed;
}

function gatheredBytes({ text, binary }: MessageLimits): number {
  return Math.min(DEFAULT_LIMITS.messageBytes, Math.max(text.bytes, binary.bytes) + SLACK_BYTES);
}

function closedSocket(): WebSocket {
  const nothing = (): void => {};
  return Object.assign(new EventEmitter(), {
    OPEN: 1,
    readyState: 3,
    protocol: "",
    close: nothing,
    terminate: nothing,
    send: nothing,
  }) as unknown as WebSocket;
}

/** Options of {@link serve}. */
export interface ServeOptions extends FetchApp {
  /** Host name or address to listen on. Default: all interfaces. */
  hostname?: string;
  /** Port to listen on; 0 picks a free one. */
  port: number;
  /**
   * Milliseconds for which the rest of a refused upload is read, so that its client sees the response. Default 30,000.
   */
  refusedUploadMs?: number;
  /** Milliseconds within which a client must send the headers of a request, or gets 408; 0 for no limit. Default 30,000. */
  headersTimeoutMs?: number;
  /** Called when a client was refused because its headers were late. Default: not reported. */
  onLateHeaders?: () => void;
  /** Receives an event when connections are refused because the system allows no more open files. Default: none. */
  log?: Log;
}

/** A listening server. */
export interface RunningServer {
  /** The address it listens on. */
  readonly hostname: string;
  /** The port it listens on. */
  readonly port: number;
  /**
   * Stops listening, lets responses in progress reach their clients, and ends every connection.
   *
   * @param timeoutMs Milliseconds after which the remaining connections are cut off. Default 3,000.
   */
  close(timeoutMs?: number): Promise<void>;
}

/**
 * Serves an app over HTTP and WebSocket with the settings that long-lived streams need: no limit on the duration of a
 * request, and a long accept queue for bursts of connections.
 *
 * @throws if the server cannot listen, with the `code` of the operating system.
 * @example
 * ```ts
 * const server = await serve({ fetch: fstream().fetch, port: 8080 });
 * ```
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { fetch, hostname, port, refusedUploadMs, log, onLateHeaders } = options;
  const { headersTimeoutMs = DEFAULT_LIMITS.headersTimeoutMs } = options;
  const lingering = new Lingering(refusedUploadMs);
  const listener = getRequestListener(
    async (request, env) => {
      const { incoming, outgoing } = env as NodeEnv;
      return lingering.answer(send(await fetch(request, env), outgoing), incoming, outgoing);
    },
    // The host of requests without one, as HTTP/1.0 allows.
    { hostname: "localhost", errorHandler: answerFailed },
  );
  const settings = {
    requestTimeout: 0,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(HEADERS_LOOK_MS, Math.max(1, Math.ceil(headersTimeoutMs / 10))),
    noDelay: true,
    keepAlive: true,
  };
  const server = createServer(settings, listener);
  answerUnreadable(server, onLateHeaders);
  injectWebSocket(server, { fetch });
  const report = (message: string): void => log?.({ type: "error", message, error: undefined });
  const crowd = new ConnectionLimit(report, BACKLOG);
  server.on("connection", (socket: Duplex) => crowd.add(socket));
  server.on("upgrade", (_request, socket: Duplex) => crowd.upgraded(socket));
  const listen = async (port: number): Promise<void> => {
    server.listen({ port, backlog: crowd.backlog, ...(hostname === undefined ? {} : { host: hostname }) });
    await once(server, "listening");
  };
  await listen(port);
  const address = server.address() as AddressInfo;
  const reopen = (): void => {
    // The method of the server itself would also close idle connections.
    NetServer.prototype.close.call(server);
    listen(address.port).catch((error: unknown) => {
      report(`The server can't listen on port ${address.port} any more: ${error}. Restart it.`);
    });
  };
  const stopWatch =
    // For workers, the process that has started them accepts connections.
    "Deno" in globalThis && !cluster.isWorker
      ? watchAccept(crowd, { address: { host: address.address, port: address.port }, reopen })
      : () => {};
  return {
    hostname: address.address,
    port: address.port,
    close(timeoutMs = DEFAULT_LIMITS.shutdownTimeoutMs) {
      stopWatch();
      return closeServer(server, crowd.sockets, lingering, timeoutMs);
    },
  };
}

/** Sends the responses that are better sent without `@hono/node-server`. */
function send(response: Response, outgoing: ServerResponse): Response {
  return sendLive(sendBytes(sendEmpty(response, outgoing), outgoing), outgoing);
}

async function closeServer(
  server: Server,
  sockets: ReadonlySet<Duplex>,
  lingering: Lingering,
  timeoutMs: number,
): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  lingering.end();
  // Closes keep-alive connections, including those whose response ends only now.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
  const deadline = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, timeoutMs);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}
