/**
 * Upgrades on the node stack: a request to upgrade goes through the app as any other does, and then either becomes a
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
import { sendBytes } from "./body.ts";
import { MOST_FRAGMENTS } from "./message-watch.ts";
import { isBodiless, isUnread, parseAgain } from "./not-upgrade.ts";
import { detach } from "./pipeline.ts";
import { answerFailed } from "./unreadable.ts";
import { answerPings } from "./ws-pongs.ts";
import { isGenuine } from "./ws-port.ts";

/** What a Hono app is to a server. */
export interface FetchApp {
  /** Answers a request. */
  fetch(request: Request, env?: unknown): Response | Promise<Response>;
}

/** Servers of our own for the handshake, by the largest message that they take. */
const handshakes = new Map<number, WebSocketServer>();

/** One of them: exact bytes in text frames, no subprotocol but the one that was chosen. */
function handshakesFor(maxPayload: number): WebSocketServer {
  const known = handshakes.get(maxPayload);
  if (known) return known;
  const options = {
    noServer: true,
    // More than MessageWatch lets pass, which says why; the package does not, and has what came with one packet first.
    maxFragments: 2 * MOST_FRAGMENTS,
    clientTracking: false,
    perMessageDeflate: false,
    // See answerPings.
    autoPong: !isGenuine,
    skipUTF8Validation: true,
    maxPayload,
    handleProtocols: (_offered: unknown, request: IncomingMessage) => upgrades.get(request)?.protocol ?? false,
  };
  const server = new WebSocketServer(options);
  handshakes.set(maxPayload, server);
  return server;
}

/** What becomes of a request whose route has asked for a WebSocket. */
export interface Upgrade {
  /** The subprotocol that was chosen. */
  readonly protocol?: string | undefined;
  /** Bytes of the largest message that is taken. Default 64 MiB. */
  readonly maxPayload?: number | undefined;
  /** The handshake is done. */
  open(ws: WebSocket, below: Duplex): void;
  /** It will not be: the client had gone, or what it sent was bad. */
  failed(): void;
}

/** Requests whose routes have asked for a WebSocket, until they have it. */
const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/** Says what is to become of a request once its route has answered. */
export function whenUpgraded(request: IncomingMessage, upgrade: Upgrade): void {
  upgrades.set(request, upgrade);
}

/**
 * Lets a server of `@hono/node-server` upgrade to WebSockets. Call it once, beside `serve()`. Unlike the function of
 * the same name in `@hono/node-ws` it delivers whole responses, with headers and streamed body, to upgrade requests
 * that are answered without upgrading.
 *
 * @param server What `serve()` returned.
 * @param app The app that was given to `serve()`.
 * @example
 * ```ts
 * const server = serve({ fetch: app.fetch, port: 3000 });
 * injectWebSocket(server, app);
 * ```
 */
export function injectWebSocket(server: UpgradeServer, app: FetchApp): void {
  server.shouldUpgradeCallback = isBodiless;
  const latest = new WeakMap<Duplex, ServerResponse>();
  // Before the listener that makes a URL of it.
  server.prependListener?.("request", spellHost);
  server.on("request", (request, outgoing) => latest.set(request.socket, outgoing));
  server.on("upgrade", (request, socket, head) => {
    // First of all: a client that resets now must not take the process down.
    socket.on("error", destroy);
    // What a pipelined upgrade would write stands in the middle of the response before it, which is still under way.
    const front = latest.get(socket);
    if (front && !front.writableFinished) return void socket.destroy();
    if (isUnread(request)) {
      parseAgain(server, request, socket, head);
      // The server listens for errors again, and this connection may bring many such requests.
      socket.off("error", destroy);
      return;
    }
    if (head.length > 0) socket.unshift(head);
    spellHost(request);
    answerUpgrade(app, request, socket);
  });
}

/** `@hono/node-server` refuses a host that is spelled in another way than in URLs. The app sees the header as it was sent. */
function spellHost({ headers }: IncomingMessage): void {
  const usable = headers.host && usableHost(headers.host);
  if (usable) headers.host = usable;
}

function destroy(this: Duplex): void {
  this.destroy();
}

/** What is needed of a server: Node's of `node:http` and `node:https` have it. */
export interface UpgradeServer {
  /** Says whether a request that offers an upgrade is to be given to the listeners; asked by Deno, and by Node from 24.9 on. */
  shouldUpgradeCallback?: (request: IncomingMessage) => boolean;
  /** Takes a connection back, to read it from the beginning. */
  emit(event: "connection" | "secureConnection", socket: Duplex): unknown;
  /** Listens for requests, before all others that do. */
  prependListener?(event: "request", listener: (request: IncomingMessage) => void): unknown;
  /** Listens for requests. */
  on(event: "request", listener: (request: IncomingMessage, outgoing: ServerResponse) => void): unknown;
  /** Listens for requests to upgrade. */
  on(event: "upgrade", listener: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): unknown;
}

/** Runs the app; then either completes the handshake or writes its response as to any other request. */
function answerUpgrade(app: FetchApp, request: IncomingMessage, socket: Duplex): void {
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
      return sendBytes(response, outgoing);
    },
    {
      // The host of those who name none.
      hostname: "localhost",
      overrideGlobalObjects: false,
      errorHandler(error) {
        assignSocket(outgoing, socket);
        return answerFailed(error);
      },
    },
  );
  void listener(request, outgoing);
}

function completeHandshake(request: IncomingMessage, socket: Duplex, upgrade: Upgrade): void {
  let opened = false;
  try {
    // What is said first leaves together with the handshake's answer.
    socket.cork();
    handshakesFor(upgrade.maxPayload ?? DEFAULT_LIMITS.messageBytes).handleUpgrade(
      request,
      socket,
      Buffer.alloc(0),
      (ws) => {
        opened = true;
        if (isGenuine) answerPings(ws);
        setImmediate(() => socket.uncork());
        try {
          upgrade.open(ws, socket);
        } catch (error) {
          // It is a WebSocket now: no response can say so any more.
          ws.terminate();
          reportFailure("upgradeWebSocket", error);
        }
      },
    );
  } finally {
    if (!opened) upgrade.failed();
  }
}

/** Writes a response to a socket that the HTTP parser has let go of. */
function assignSocket(outgoing: ServerResponse, socket: Duplex): void {
  if (socket.destroyed) {
    // Its client left while the answer was made, and nobody else would say so.
    outgoing.destroy();
    outgoing.emit("close");
    return;
  }
  outgoing.assignSocket(socket as Parameters<ServerResponse["assignSocket"]>[0]);
  // What the parser did before: pass the socket's news on, read on so that its end is seen, close at the end.
  socket.on("drain", () => outgoing.emit("drain"));
  socket.on("close", () => outgoing.destroyed || outgoing.destroy());
  socket.on("end", () => socket.end());
  socket.resume();
  outgoing.on("finish", () => socket.end());
}
