/**
 * Upgrades on the node stack: an upgrade request goes through the app like any other, and then either becomes a
 * WebSocket or gets the app's whole response.
 * @module
 */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { DEFAULT_LIMITS } from "../../engine/limits.ts";
import { usableHost } from "../../server/request/host.ts";
import { reportFailure } from "../../support/callback.ts";
import { sendBytes, sendEmpty } from "./body.ts";
import { MAX_FRAGMENTS } from "./message-watch.ts";
import { detach } from "./pipeline.ts";
import { answerFailed } from "./refuse/failed-requests.ts";
import type { Refusals } from "./refuse/server-refusal.ts";
import { isBodiless, isUnread, parseAgain } from "./upgrade-with-body.ts";
import { answerPings } from "./ws-pongs.ts";
import { isWsPackage } from "./ws-port.ts";

/** The part of a Hono app that a server needs. */
export interface FetchApp {
  /** Answers a request. */
  fetch(request: Request, env?: unknown): Response | Promise<Response>;
}

/** This package's handshake servers, by the maximum message size in bytes. */
const handshakes = new Map<number, WebSocketServer>();

/**
 * The handshake server for a maximum message size. It keeps the bytes of text frames exact, and echoes only the chosen
 * subprotocol.
 */
function handshakesFor(maxPayload: number): WebSocketServer {
  const known = handshakes.get(maxPayload);
  if (known) return known;
  const options = {
    noServer: true,
    // More than MessageWatch allows, which gives a reason; `ws` gives no reason, and sees the frames of a packet first.
    maxFragments: 2 * MAX_FRAGMENTS,
    clientTracking: false,
    perMessageDeflate: false,
    // See answerPings.
    autoPong: !isWsPackage,
    skipUTF8Validation: true,
    maxPayload,
    handleProtocols: (_offered: unknown, request: IncomingMessage) => upgrades.get(request)?.protocol ?? false,
  };
  const server = new WebSocketServer(options);
  server.on("headers", (lines: string[], request: IncomingMessage) => {
    for (const [name, value] of Object.entries(upgrades.get(request)?.headers ?? {})) lines.push(`${name}: ${value}`);
  });
  handshakes.set(maxPayload, server);
  return server;
}

/** The outcome of a request whose route asks for a WebSocket. */
export interface Upgrade {
  /** The chosen subprotocol. */
  readonly protocol?: string | undefined;
  /** More headers of the response. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Maximum size of a message in bytes. Default 64 MiB. */
  readonly maxPayload?: number | undefined;
  /** Called when the handshake is complete. */
  open(ws: WebSocket, below: Duplex): void;
  /** Called if the handshake fails: the client has left or sent something invalid. */
  failed(): void;
}

/** Requests whose routes have asked for a WebSocket, until they get it. */
const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** Registers the outcome of a request once its route has answered. */
export function whenUpgraded(request: IncomingMessage, upgrade: Upgrade): void {
  upgrades.set(request, upgrade);
}

/**
 * Lets a server of `@hono/node-server` upgrade to WebSockets. Call it once, after `serve()`. Unlike the function of the
 * same name in `@hono/node-ws`, it delivers whole responses, with headers and a streamed body, to upgrade requests that
 * are answered without an upgrade.
 *
 * @param server The server that `serve()` returned.
 * @param app The app that was passed to `serve()`.
 * @example
 * ```ts
 * const server = serve({ fetch: app.fetch, port: 3000 });
 * injectWebSocket(server, app);
 * ```
 */
export function injectWebSocket(server: UpgradeServer, app: FetchApp): void {
  acceptUpgrades(server, app);
}

/** As {@link injectWebSocket}, and reports what is refused before the app gets it. */
export function acceptUpgrades(server: UpgradeServer, app: FetchApp, refusals?: Refusals): void {
  server.shouldUpgradeCallback = isBodiless;
  const latest = new WeakMap<Duplex, ServerResponse>();
  // Must run before the listener that builds a URL from the host.
  server.prependListener?.("request", spellHost);
  server.on("request", (request, outgoing) => latest.set(request.socket, outgoing));
  server.on("upgrade", (request, socket, head) => {
    // Must come first: a client that resets the connection now must not crash the process.
    socket.on("error", destroy);
    // An earlier response on the connection is still in progress. The answer to a pipelined upgrade would end up inside
    // it.
    const previous = latest.get(socket);
    if (previous && !previous.writableFinished) return void socket.destroy();
    if (isUnread(request)) {
      parseAgain(server, request, socket, head);
      // The server attaches its own error listener again, and this connection may carry many such requests.
      socket.off("error", destroy);
      return;
    }
    if (head.length > 0) socket.unshift(head);
    spellHost(request);
    answerUpgrade(app, request, socket, refusals);
  });
}

/** `@hono/node-server` refuses a host that is not spelled as in URLs. The app sees the header as it was sent. */
function spellHost({ headers }: IncomingMessage): void {
  const usable = headers.host && usableHost(headers.host);
  if (usable) headers.host = usable;
}

function destroy(this: Duplex): void {
  this.destroy();
}

/** The part of a server that {@link injectWebSocket} needs; servers of `node:http` and `node:https` have it. */
export interface UpgradeServer {
  /**
   * Decides whether a request that offers an upgrade goes to the listeners. Called by Deno, and by Node from 24.9 on.
   */
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
  /** Takes a connection back and parses it from the beginning. */
  emit(event: "connection" | "secureConnection", socket: Duplex): unknown;
  /** Listens for requests, before all other listeners. */
  prependListener?(event: "request", listener: (request: IncomingMessage) => void): unknown;
  /** Listens for requests. */
  on(event: "request", listener: (request: IncomingMessage, outgoing: ServerResponse) => void): unknown;
  /** Listens for requests to upgrade. */
  on(event: "upgrade", listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown;
}

/** Runs the app, then either completes the handshake or writes the response as for any other request. */
function answerUpgrade(app: FetchApp, request: IncomingMessage, socket: Duplex, refusals?: Refusals): void {
  const outgoing = new ServerResponse(request);
  outgoing.shouldKeepAlive = false;
  detach(outgoing);
  const listener = getRequestListener(
    async (fetched, env) => {
      const response = await app.fetch(fetched, env);
      const upgrade = upgrades.get(request);
      if (upgrade && response.ok) {
        completeHandshake(request, socket, upgrade);
        return RESPONSE_ALREADY_SENT;
      }
      assignSocket(outgoing, socket);
      return sendBytes(sendEmpty(response, outgoing), outgoing);
    },
    {
      // The host of requests without one.
      hostname: "localhost",
      overrideGlobalObjects: false,
      errorHandler(error) {
        assignSocket(outgoing, socket);
        return answerFailed(error, request, refusals);
      },
    },
  );
  void listener(request, outgoing);
}

function completeHandshake(request: IncomingMessage, socket: Duplex, upgrade: Upgrade): void {
  let opened = false;
  try {
    // The first messages leave together with the handshake's response.
    socket.cork();
    handshakesFor(upgrade.maxPayload ?? DEFAULT_LIMITS.messageBytes).handleUpgrade(
      request,
      socket,
      Buffer.alloc(0),
      (ws) => {
        opened = true;
        if (isWsPackage) answerPings(ws);
        setImmediate(() => socket.uncork());
        try {
          upgrade.open(ws, socket);
        } catch (error) {
          // The connection is a WebSocket now, so no response can report the error.
          ws.terminate();
          reportFailure("upgradeWebSocket", error);
        }
      },
    );
  } finally {
    if (!opened) upgrade.failed();
  }
}

/** Writes a response to a socket that the HTTP parser has released. */
function assignSocket(outgoing: ServerResponse, socket: Duplex): void {
  if (socket.destroyed) {
    // The client left before the response was ready, and nothing else reports that.
    outgoing.destroy();
    outgoing.emit("close");
    return;
  }
  outgoing.assignSocket(socket as Parameters<ServerResponse["assignSocket"]>[0]);
  // Replaces what the parser did: forward the socket's events, keep reading to notice its end, close it at the end.
  socket.on("drain", () => outgoing.emit("drain"));
  socket.on("close", () => outgoing.destroyed || outgoing.destroy());
  socket.on("end", () => socket.end());
  socket.resume();
  outgoing.on("finish", () => socket.end());
}
