/**
 * A server that redirects, and remembers what it was asked.
 * @module
 */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What it was asked. */
export interface Asked {
  readonly target: string;
  readonly upgrade: boolean;
  readonly headers: IncomingHttpHeaders;
}

/** How it answers: a status, and where to, which may be anything. */
export interface Redirect {
  readonly status: number;
  readonly location?: string;
  /** A body of its own, with its type. */
  readonly page?: string;
}

/** Answers every request, upgrades too, as it is told to. */
export class Redirector {
  readonly asked: Asked[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param answer Decides by the target of the request. */
  static async start(answer: (target: string, upgrade: boolean) => Redirect): Promise<Redirector> {
    const server = createServer({ keepAlive: false });
    const own = new Redirector(server);
    server.on("request", (request, response) => {
      const { url: target = "", headers } = request;
      own.asked.push({ target, upgrade: false, headers });
      const { status, location, page = "" } = answer(target, false);
      response.writeHead(status, {
        ...(location !== undefined && { Location: location }),
        "Content-Type": "text/html",
        Connection: "close",
      });
      response.end(page);
    });
    server.on("upgrade", (request, socket) => {
      const { url: target = "", headers } = request;
      own.asked.push({ target, upgrade: true, headers });
      const { status, location, page = "" } = answer(target, true);
      const place = location === undefined ? "" : `Location: ${location}\r\n`;
      socket.on("error", () => {});
      socket.end(
        `HTTP/1.1 ${status} Elsewhere\r\n${place}Content-Type: text/html\r\nContent-Length: ${page.length}\r\n` +
          `Connection: close\r\n\r\n${page}`,
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return own;
  }

  /** Without a slash at its end. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends it. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
