/**
 * The network between one client and the servers: a TCP proxy with a fixed address that inflicts faults.
 * @module
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { resetNow } from "../../test/fixture/reset.ts";
import { CALM, drawPlan, type Fate, type Plan } from "./fate.ts";
import type { Ledger } from "./ledger.ts";
import { Link } from "./link.ts";
import type { Random } from "./random.ts";

/** When its server ends, a session may lose one part in this many of its grace period. */
const GRACE_SLICES = 16;

/** What all proxies of a run share: the servers, and whether faults are inflicted. */
export interface Network {
  /** The port of a server, or undefined while it is down. */
  port(server: number): number | undefined;
  /** How many processes have ended since a time, by `performance.now()`. */
  endsSince(sinceMs: number): number;
  /** How many servers there are. */
  readonly servers: number;
  /** The longest stall, in milliseconds. */
  readonly maxPauseMs: number;
  /** Whether the faults have stopped, so that every new connection passes. */
  readonly isCalm: boolean;
  readonly ledger: Ledger;
}

/** The proxy of one client. The plan of its nth connection depends on the seed alone, not on time. */
export class HostileProxy {
  readonly #network: Network;
  readonly #random: Random;
  readonly #home: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #count = 0;
  #last: Link | undefined;
  #known: Link | undefined;

  private constructor(network: Network, random: Random) {
    this.#network = network;
    this.#random = random;
    this.#home = random.between(0, network.servers - 1);
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /** Starts a proxy on a free port. */
  static async start(network: Network, random: Random): Promise<HostileProxy> {
    const proxy = new HostileProxy(network, random);
    await once(proxy.#server.listen(0, "127.0.0.1"), "listening");
    return proxy;
  }

  /** The URL of the proxy, without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Whether the faults have stopped. */
  get isCalm(): boolean {
    return this.#network.isCalm;
  }

  /** Call this when the client's latest connection has reached a server. */
  gotThrough(): void {
    this.#known = this.#last;
  }

  /** Whether the server's side of the last connection that got through has been closed for longer than `graceMs`. */
  isAwayFor(graceMs: number): boolean {
    const goneMs = this.#known?.serverGoneMs;
    if (goneMs === undefined) return false;
    const awayMs = performance.now() - goneMs;
    // Each server that ends costs at most one slice of the grace period, as docs/guarantees.md says.
    return awayMs > graceMs * (0.95 - this.#network.endsSince(goneMs) / GRACE_SLICES);
  }

  /** Closes the proxy and resets its connections. */
  async close(): Promise<void> {
    const closed = once(this.#server.close(), "close");
    for (const socket of this.#sockets) resetNow(socket);
    await closed;
  }

  #accept(client: Socket): void {
    const network = this.#network;
    const calm = { ...CALM, strays: this.#count % 2 === 1 };
    const plan = network.isCalm ? calm : drawPlan(this.#random.fork("connection", this.#count), network.maxPauseMs);
    this.#count++;
    network.ledger.count("connections", "accepted");
    this.#keep(client);
    const port = this.#route(plan);
    if (port === undefined) {
      network.ledger.count("connections", "to a server that is down");
      resetNow(client);
    } else if (plan.fate === "refused") {
      this.#struck("refused");
      resetNow(client);
    } else if (plan.fate === "mute") {
      this.#struck("mute");
      setTimeout(() => resetNow(client), plan.pauseMs).unref();
    } else {
      const server = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      this.#keep(server);
      this.#last = new Link(client, server, plan, {
        struck: (fate) => this.#struck(fate),
        isCalm: () => network.isCalm,
      });
      this.#last.run();
    }
  }

  #route({ strays, evades }: Plan): number | undefined {
    const { servers } = this.#network;
    const wanted = (this.#home + (strays ? 1 : 0)) % servers;
    return this.#network.port(wanted) ?? (evades ? this.#network.port((wanted + 1) % servers) : undefined);
  }

  #struck(fate: Fate): void {
    this.#network.ledger.count("faults", fate);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    // `close` follows an error, and Link's reading loop gets the error itself.
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
