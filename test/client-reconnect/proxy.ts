/**
 * A TCP proxy with a fixed address in front of servers that restart. It can cut connections, and treat upgrade requests
 * as some real proxies do.
 * @module
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Maps the head of a request to the head to forward, to a response of the proxy itself, or to "hang up". */
export type Treatment = (head: string) => string | { readonly answer: string } | "hang up";

const END_OF_HEAD = "\r\n\r\n";

/** Drops the subprotocol, as some proxies do. */
export const stripProtocol: Treatment = (head) => head.replace(/^Sec-WebSocket-Protocol:.*\r\n/im, "");

/** Drops the headers of an upgrade, as proxies without WebSocket support do. */
export const stripUpgrade: Treatment = (head) =>
  head.replace(/^(Upgrade|Connection|Sec-WebSocket-[^:]*):.*\r\n/gim, "");

/** Answers upgrade requests with 400. */
export const refuseUpgrade: Treatment = (head) =>
  /^Upgrade:/im.test(head)
    ? { answer: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" }
    : head;

/** Closes the connection of an upgrade request without a response. */
export const hangUpOnUpgrade: Treatment = (head) => (/^Upgrade:/im.test(head) ? "hang up" : head);

/** A proxy that a test controls. */
export class ShiftyProxy {
  /** The URL of the server behind it; undefined while there is none. */
  target: string | undefined;
  /** Treats the first request of each connection. Default: forwards it unchanged. */
  treat: Treatment = (head) => head;
  /** Bytes that a connection carries, in both directions together, before it is cut. Default: no limit. */
  allowance: () => number = () => Number.POSITIVE_INFINITY;
  /** Called when a connection has used up its allowance and carries no more. Default: cuts it at once. */
  spent: (cut: () => void) => void = (cut) => cut();
  /** Number of connections so far. */
  count = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: string | undefined) {
    this.target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#connect(client));
  }

  /** Starts a proxy on a free port. */
  static async start(target?: string): Promise<ShiftyProxy> {
    const proxy = new ShiftyProxy(target);
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  /** The URL at which it listens, without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets all current connections. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  /** Resets all connections and closes the proxy. */
  async close(): Promise<void> {
    const closed = once(this.#server.close(), "close");
    this.cut();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
  }

  #connect(client: Socket): void {
    this.#keep(client);
    this.count++;
    if (this.target === undefined) {
      reset(client);
      return;
    }
    const { hostname, port } = new URL(this.target);
    let head = "";
    const read = (chunk: Buffer): void => {
      head += chunk.toString("latin1");
      const end = head.indexOf(END_OF_HEAD) + END_OF_HEAD.length;
      if (end < END_OF_HEAD.length) return;
      client.off("data", read);
      client.pause();
      const treated = this.treat(head.slice(0, end));
      if (treated === "hang up") client.destroy();
      else if (typeof treated === "object") client.end(treated.answer);
      else this.#join(client, { port: Number(port), host: hostname }, Buffer.from(treated + head.slice(end), "latin1"));
    };
    client.on("data", read);
  }

  #join(client: Socket, where: { port: number; host: string }, first: Buffer): void {
    const server = connect({ ...where, allowHalfOpen: true });
    this.#keep(server);
    let left = this.allowance();
    let isSpent = false;
    // A reset drops what is in the buffers, in both directions.
    const cut = (): void => {
      for (const end of [client, server]) reset(end);
    };
    const move = (from: Socket, to: Socket): void => {
      from.on("data", (chunk: Buffer) => {
        const passing = chunk.subarray(0, Math.max(0, left));
        left -= chunk.length;
        if (passing.length > 0 && !to.write(passing)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
        if (left >= 0 || isSpent) return;
        isSpent = true;
        this.spent(cut);
      });
      from.on("end", () => to.end());
      from.on("close", () => to.destroy());
    };
    server.write(first);
    move(client, server);
    move(server, client);
    client.resume();
  }
}

/** Drops a connection. Node never finishes the reset of a socket that it is closing gracefully. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
