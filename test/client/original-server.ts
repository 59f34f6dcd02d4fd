/**
 * A server that behaves on the wire like the original Go program, bugs included. The original can't be installed for a
 * test run, so this follows its source: GET only; 403 and 404 without a code; text frames only, binary frames dropped
 * silently; the first bytes of a frame read and the rest dropped; no offsets; a file sent as one message; pings to
 * followers only; and the connection dropped without an answer to a close frame.
 * @module
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** Bytes of a message that it reads; it drops the rest. */
const READ_BYTES = 10_240;

interface Resource {
  bytes: Buffer;
  appender: WebSocket | undefined;
  followers: Set<WebSocket>;
}

/** The stand-in for the original server. */
export class OriginalServer {
  /** Method and target of every request, in order. */
  readonly requests: string[] = [];
  /** Number of pongs from appenders. An unsolicited pong extends the deadline of an idle appender. */
  pongs = 0;
  readonly #resources = new Map<string, Resource>();
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));
  readonly #handshakes = new WebSocketServer({
    noServer: true,
    skipUTF8Validation: true,
    perMessageDeflate: false,
    // It has no subprotocols, and accepts none.
    handleProtocols: () => false,
  });

  /** Starts a server on a free port. */
  static async start(): Promise<OriginalServer> {
    const original = new OriginalServer();
    original.#server.on("upgrade", (request, socket, head) => original.#upgrade(request, socket, head));
    await once(original.#server.listen(0, "127.0.0.1"), "listening");
    return original;
  }

  /** The URL at which it listens, without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Stores content at a path, as if it had been appended before. */
  keep(path: string, bytes: Buffer): void {
    this.#resources.set(path, { bytes, appender: undefined, followers: new Set() });
  }

  /** The bytes stored at a path; empty if there are none. */
  stored(path: string): Buffer {
    return this.#resources.get(path)?.bytes ?? Buffer.alloc(0);
  }

  /** Drops all connections and closes the server. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    for (const { appender, followers } of this.#resources.values()) {
      appender?.terminate();
      for (const follower of followers) follower.terminate();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.requests.push(`${request.method} ${request.url}`);
    const { pathname } = new URL(request.url ?? "", this.url);
    const found = this.#resources.get(pathname);
    if (request.method !== "GET") plain(response, 405, "method not supported");
    else if (!found) plain(response, 404, "404 page not found");
    else {
      response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": found.bytes.length });
      response.end(found.bytes);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname, searchParams } = new URL(request.url ?? "", this.url);
    const appending = (request.headers["x-verb"] || searchParams.get("verb")) === "APPEND";
    const busy = this.#resources.get(pathname)?.appender !== undefined;
    // An append to a taken path and a follow without an appender get no WebSocket.
    if (appending === busy) {
      this.#answerPlainly(request, socket, appending);
      return;
    }
    this.requests.push(`${request.method} ${request.url}`);
    this.#handshakes.handleUpgrade(request, socket, head, (ws) => {
      ws.on("error", () => {});
      if (appending) this.#append(pathname, ws, socket);
      else this.#follow(pathname, ws);
    });
  }

  #answerPlainly(request: IncomingMessage, socket: Duplex, taken: boolean): void {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.on("finish", () => socket.end());
    if (taken) plain(response, 403, "addWriter: path already has an active writer");
    else this.#answer(request, response);
  }

  #append(path: string, ws: WebSocket, socket: Duplex): void {
    const resource = this.#resources.get(path) ?? { bytes: Buffer.alloc(0), appender: undefined, followers: new Set() };
    this.#resources.set(path, resource);
    resource.appender = ws;
    ws.on("pong", () => this.pongs++);
    ws.on("message", (message: Buffer, isBinary) => {
      if (isBinary) return;
      const data = message.subarray(0, READ_BYTES);
      resource.bytes = Buffer.concat([resource.bytes, data]);
      for (const follower of resource.followers) follower.send(data, { binary: false });
    });
    // Drops the connection where `ws` would answer a close frame.
    ws.close = () => void socket.end();
    ws.on("close", () => {
      resource.appender = undefined;
      for (const follower of resource.followers) follower.close(1000);
      resource.followers.clear();
    });
  }

  #follow(path: string, ws: WebSocket): void {
    const resource = this.#resources.get(path) as Resource;
    resource.followers.add(ws);
    ws.send(resource.bytes, { binary: false });
    ws.send("", { binary: false });
    ws.ping();
    ws.on("close", () => resource.followers.delete(ws));
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
