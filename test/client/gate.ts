/**
 * A gate in front of a server: it passes on what has the right token, and ends connections whose token expires.
 * @module
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import { WebSocket, WebSocketServer } from "ws";

/** One request that it got. */
export interface Seen {
  readonly target: string;
  readonly upgrade: boolean;
  readonly authorization: string | undefined;
}

/**
 * The gate. `GET /.gate/token` tells the current token, `POST /.gate/expire` replaces it, ends every WebSocket with 4003,
 * and cuts every body.
 */
export class Gate {
  readonly seen: Seen[] = [];
  token = "token-0";
  readonly #upstream: URL;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, skipUTF8Validation: true, perMessageDeflate: false });
  /** Ends one connection. */
  readonly #open = new Set<() => void>();
  #generation = 0;

  private constructor(upstream: URL, server: Server) {
    this.#upstream = upstream;
    this.#server = server;
    this.#sockets.options.handleProtocols = (offered) => offered.values().next().value ?? false;
  }

  /** @param upstream The URL of the server behind it. */
  static async start(upstream: string): Promise<Gate> {
    const server = createServer();
    const gate = new Gate(new URL(upstream), server);
    server.on("request", (message, response) => {
      const { method, url: target = "", headers } = message;
      if (target === "/.gate/token") return response.end(gate.token);
      if (target === "/.gate/expire") {
        gate.expire();
        return response.end();
      }
      if (!gate.#admits(message, false)) {
        return response.writeHead(401, REFUSAL).end("The token is wrong, or has expired.");
      }
      const forward = request(new URL(target, gate.#upstream), { method, headers: plain(headers) }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        answer.on("error", () => response.destroy());
        answer.on("close", () => answer.complete || response.destroy());
      });
      forward.on("error", () => response.destroy());
      const cut = (): void => void response.destroy();
      gate.#open.add(cut);
      response.on("close", () => {
        gate.#open.delete(cut);
        if (!response.writableFinished) forward.destroy();
      });
      return message.pipe(forward);
    });
    server.on("upgrade", (message, socket, head) => gate.#upgrade(message, socket, head));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return gate;
  }

  /** The URL at which it listens, without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Replaces the token, and ends every connection. */
  expire(next = `token-${++this.#generation}`): void {
    this.token = next;
    for (const end of this.#open) end();
  }

  /** Drops all connections and closes the gate. */
  async stop(): Promise<void> {
    for (const end of this.#open) end();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #admits({ url: target = "", headers: { authorization } }: IncomingMessage, upgrade: boolean): boolean {
    this.seen.push({ target, upgrade, authorization });
    const given = new URL(target, "http://gate").searchParams.get("access_token") ?? authorization?.slice(7);
    return given === this.token;
  }

  #upgrade(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => {});
    if (!this.#admits(message, true)) {
      const lines = Object.entries(REFUSAL).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(`HTTP/1.1 401 Unauthorized\r\n${lines.join("")}Connection: close\r\n\r\nThe token has expired.`);
      return;
    }
    const url = new URL(message.url ?? "", this.#upstream);
    url.protocol = "ws:";
    const offered = message.headers["sec-websocket-protocol"]?.split(/\s*,\s*/) ?? [];
    const behind = new WebSocket(url, offered, { skipUTF8Validation: true, perMessageDeflate: false });
    behind.on("error", () => socket.destroy());
    behind.on("unexpected-response", (_asked, answer) => {
      const status = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`;
      const lines = Object.entries(plain(answer.headers)).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`${status}${lines.join("")}Connection: close\r\n\r\n`);
      answer.pipe(socket);
    });
    behind.on("upgrade", () => {
      this.#sockets.handleUpgrade(message, socket, head, (front) => this.#join(front, behind));
    });
  }

  #join(front: WebSocket, behind: WebSocket): void {
    const end = (): void => {
      front.close(4003, "The token has expired.");
      behind.terminate();
    };
    this.#open.add(end);
    for (const [from, to] of [
      [front, behind],
      [behind, front],
    ] as const) {
      from.on("error", () => {});
      from.on("message", (data, binary) => to.readyState === to.OPEN && to.send(data, { binary }));
      from.on("close", (code, reason) => {
        this.#open.delete(end);
        if (code === 1005) to.close();
        else if (code === 1006) to.terminate();
        else to.close(code, reason);
      });
    }
  }
}

const REFUSAL = { "Stream-Error": "unauthorized", "Content-Type": "text/plain", "WWW-Authenticate": "Bearer" };

/** The headers that belong to the message and not to its connection. */
function plain(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection: _connection, host: _host, "transfer-encoding": _coding, ...rest } = headers;
  return rest;
}
