/**
 * A TCP relay in front of a server: it counts what passes, and can hold either direction up.
 * @module
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** One direction through a relay. */
export class Direction {
  /** Bytes that passed. */
  passed = 0;
  #held: Promise<void> | undefined;
  #release: () => void = () => {};

  /** Lets nothing more through until {@link release}. */
  hold(): void {
    this.#held = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  /** Lets everything through again. */
  release(): void {
    this.#release();
    this.#held = undefined;
  }

  /** Moves everything that comes, no faster than it is taken. */
  async move(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        await this.#held;
        this.passed += chunk.length;
        if (!to.write(chunk)) await once(to, "drain");
      }
      to.end();
    } catch {
      // One end has gone; so does the other.
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

  /** Starts one. */
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

  /** Where it listens. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends it and everything that goes through it. */
  async close(): Promise<void> {
    this.up.release();
    this.down.release();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
