/**
 * A server that redirects, and records the requests that it gets.
 * @module
 */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** One request that it got. */
export interface RequestSpec {
  readonly target: string;
  readonly upgrade: boolean;
  readonly headers: IncomingHttpHeaders;
}

/** Its response: a status, and a location, which need not be valid. */
export interface Redirect {
  readonly status: number;
  readonly location?: string;
  /** The body, sent as HTML. Default empty. */
  readonly page?: string;
}

/** Answers every request, including upgrades, as the test decides. */
export class Redirector {
  readonly asked: RequestSpec[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param answer Returns the response for the target of a request. */
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

  /** The URL at which it listens, without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Drops all connections and closes the server. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
