/**
 * A TCP proxy with a fixed address in front of servers that come and go. It can cut connections, and do to upgrade
 * requests what some proxies do.
 * @module
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What becomes of a request's head: another head, or an answer of the proxy's own, or nothing at all. */
export type Treatment = (head: string) => string | { readonly answer: string } | "hang up";

const END_OF_HEAD = "\r\n\r\n";

/** As some proxies: the subprotocol gets lost. */
export const stripProtocol: Treatment = (head) => head.replace(/^Sec-WebSocket-Protocol:.*\r\n/im, "");

/** As proxies that know nothing of WebSockets: the headers that ask for one get lost. */
export const stripUpgrade: Treatment = (head) =>
  head.replace(/^(Upgrade|Connection|Sec-WebSocket-[^:]*):.*\r\n/gim, "");

/** As proxies that do not want any. */
export const refuseUpgrade: Treatment = (head) =>
  /^Upgrade:/im.test(head)
    ? { answer: "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" }
    : head;

/** As some that do not even say so. */
export const hangUpOnUpgrade: Treatment = (head) => (/^Upgrade:/im.test(head) ? "hang up" : head);

/** The proxy. */
export class ShiftyProxy {
  /** The URL of the server behind it; nothing while there is none. */
  target: string | undefined;
  /** What becomes of each connection's first request. */
  treat: Treatment = (head) => head;
  /** How many bytes each connection carries, both ways together, before it is cut. */
  allowance: () => number = () => Number.POSITIVE_INFINITY;
  /** What comes of a connection that has carried that much. It carries no more, and is cut at once by default. */
  spent: (cut: () => void) => void = (cut) => cut();
  /** Connections so far. */
  count = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: string | undefined) {
    this.target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#connect(client));
  }

  /** Starts one. */
  static async start(target?: string): Promise<ShiftyProxy> {
    const proxy = new ShiftyProxy(target);
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  /** Where it listens. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Cuts everything that goes through it now. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  /** Ends it. */
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
    // What is in the buffers goes down with it, in either direction.
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

/** Drops a connection. Node never comes to an end when it resets one that it is just ending in good order. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
