/**
 * The standalone server of the node stack.
 * @module
 */
import cluster from "node:cluster";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, Server as NetServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Log } from "../../engine/events.ts";
import { DEFAULT_LIMITS } from "../../engine/limits.ts";
import { TrustedProxies } from "../../server/request/trusted-proxies.ts";
import { watchAccept } from "./accept/accept-watch.ts";
import { ConnectionLimit } from "./accept/connection-limit.ts";
import type { SocketLimits } from "./accept/peer-sockets.ts";
import { sendBytes, sendEmpty } from "./body.ts";
import { Lingering } from "./linger.ts";
import { sendLive } from "./live.ts";
import { answerFailed, answerUnexpected, refuseWithoutHost } from "./refuse/failed-requests.ts";
import { answerUnreadable } from "./refuse/parse-errors.ts";
import { type OnRefused, Refusals } from "./refuse/server-refusal.ts";
import { acceptUpgrades, type FetchApp } from "./upgrade.ts";

/** The environment that `@hono/node-server` gives a handler. */
export interface NodeEnv {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
}

/** Milliseconds between two checks for requests whose headers are late; shorter for a short limit. */
const HEADERS_LOOK_MS = 5_000;

/** Milliseconds between two checks for idle connections while a server closes. */
const IDLE_LOOK_MS = 20;

/** Length of the kernel's accept queue. With the default of 511, a burst of connections waits for a second. */
const BACKLOG = 4096;

/** Options of {@link serve}. */
export interface ServeOptions extends FetchApp, Partial<SocketLimits> {
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
  /** Proxies whose connections do not count as those of one client, as in `trustedProxies` of the app. Default: none. */
  trustedProxies?: readonly string[];
  /** Called for each connection and request that the server itself has refused. Default: not reported. */
  onRefused?: OnRefused;
  /**
   * Receives an event for each request that the server itself has refused, and when connections are refused: for the
   * limits on connections, at most one per 10 seconds. Default: none.
   */
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
 * @throws if the server cannot listen, with the `code` of the operating system; `TypeError` for an invalid proxy.
 * @example
 * ```ts
 * const server = await serve({ fetch: fstream().fetch, port: 8080 });
 * ```
 */
export async function serve(options: ServeOptions): Promise<RunningServer> {
  const { fetch, hostname, port, refusedUploadMs, log, trustedProxies } = options;
  const { headersTimeoutMs = DEFAULT_LIMITS.headersTimeoutMs } = options;
  const lingering = new Lingering(refusedUploadMs);
  const proxies = trustedProxies?.length ? new TrustedProxies(trustedProxies) : undefined;
  const refusals = new Refusals({ log, onRefused: options.onRefused, proxies });
  // The request that the library is parsing: it calls its handler of errors without it, before it returns.
  let parsed: IncomingMessage | undefined;
  const listener = getRequestListener(
    async (request, env) => {
      const { incoming, outgoing } = env as NodeEnv;
      return lingering.answer(send(await fetch(request, env), outgoing), incoming, outgoing);
    },
    // The host of requests without one, as HTTP/1.0 allows.
    { hostname: "localhost", errorHandler: (error) => answerFailed(error, parsed, refusals) },
  );
  const settings = {
    requestTimeout: 0,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(HEADERS_LOOK_MS, Math.max(1, Math.ceil(headersTimeoutMs / 10))),
    noDelay: true,
    keepAlive: true,
    // Node would refuse it without a sentence.
    requireHostHeader: false,
  };
  const server = createServer(settings, (incoming, outgoing) => {
    if (refuseWithoutHost(incoming, outgoing, refusals)) return;
    parsed = incoming;
    void listener(incoming, outgoing);
    parsed = undefined;
  });
  answerUnreadable(server, refusals);
  answerUnexpected(server, refusals);
  acceptUpgrades(server, { fetch }, refusals);
  const report = (message: string): void => log?.({ type: "error", message, error: undefined });
  const onRefused: OnRefused = (refusal) => refusals.connection(refusal);
  const crowd = new ConnectionLimit({ report, onRefused, backlog: BACKLOG, limits: limitsOf(options), proxies });
  server.on("connection", (socket: Socket) => crowd.add(socket));
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
      return closeServer(server, crowd, lingering, timeoutMs);
    },
  };
}

function limitsOf({ sockets, peerSockets, peerSocketsPerSecond }: ServeOptions): SocketLimits {
  const { sockets: all, peerSockets: byPeer, peerSocketsPerSecond: perSecond } = DEFAULT_LIMITS;
  return {
    sockets: sockets ?? all,
    peerSockets: peerSockets ?? byPeer,
    peerSocketsPerSecond: peerSocketsPerSecond ?? perSecond,
  };
}

/** Sends the responses that are better sent without `@hono/node-server`. */
function send(response: Response, outgoing: ServerResponse): Response {
  return sendLive(sendBytes(sendEmpty(response, outgoing), outgoing), outgoing);
}

async function closeServer(
  server: Server,
  crowd: ConnectionLimit,
  lingering: Lingering,
  timeoutMs: number,
): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  lingering.end();
  // Closes keep-alive connections, including those whose response ends only now.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_LOOK_MS);
  const deadline = setTimeout(() => {
    for (const socket of crowd.sockets) socket.destroy();
  }, timeoutMs);
  await closed;
  clearInterval(idle);
  clearTimeout(deadline);
}
