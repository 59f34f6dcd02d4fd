/**
 * A TCP relay in front of a server: it counts the bytes that pass, and can block either direction.
 * @module
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** One direction through a relay. */
export class Direction {
  /** Number of bytes that have passed. */
  passed = 0;
  #held: Promise<void> | undefined;
  #release: () => void = () => {};

  /** Blocks this direction until {@link release}. */
  hold(): void {
    this.#held = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Unblocks this direction. */
  release(): void {
    this.#release();
    this.#held = undefined;
  }

  /** Copies all bytes from one socket to the other, with backpressure. */
  async move(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        await this.#held;
        this.passed += chunk.length;
        if (!to.write(chunk)) await once(to, "drain");
      }
      to.end();
    } catch {
      // One end is gone, so drop the other.
      to.destroy();
    }
  }
}

/** A relay to the host and port of a URL. */
export class Relay {
  /** From the clients to the server. */
  readonly up: Direction = new Direction();
  /** From the server to the clients. */
  readonly down: Direction = new Direction();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Starts a relay on a free port. */
  static async to(url: string): Promise<Relay> {
    const { hostname, port } = new URL(url);
    const relay = new Relay(
      createServer({ allowHalfOpen: true }, (client) => {
        const behind = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
        for (const socket of [client, behind]) {
          relay.#sockets.add(socket);
          socket.on("error", () => socket.destroy());
        }
        void relay.up.move(client, behind);
        void relay.down.move(behind, client);
      }),
    );
    await once(relay.#server.listen(0, "127.0.0.1"), "listening");
    return relay;
  }

  /** The URL at which it listens, without a trailing slash. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Drops all connections and closes the relay. */
  async close(): Promise<void> {
    this.up.release();
    this.down.release();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
