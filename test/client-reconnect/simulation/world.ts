/**
 * The environment of a simulated client, and the schedule that chooses the next event.
 * @module
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Environment } from "../../../src/client/connection/environment.ts";
import type { ClientSocket, SocketHandler, SocketRequest } from "../../../src/client/connection/socket.ts";
import { prng } from "../../fixture/bytes.ts";
import { VirtualClock } from "./clock.ts";
import { SimulatedConnection } from "./connection.ts";
import type { ModelServer } from "./server.ts";

/** An upgrade request that waits for its answer. */
interface Asking {
  readonly request: SocketRequest;
  readonly connection: SimulatedConnection;
  resolve(answer: ClientSocket | Response): void;
  reject(error: Error): void;
}

/** A possible next event. */
export type Event = () => void;

/** Milliseconds after which a server detects that a connection was cut silently. */
const PINGS_MS = 60_000;

/** Most milliseconds that an abandoned request stays in transit. */
const LATE_MS = 45_000;

/** Number of steps after which a schedule counts as endless. */
const MAX_STEPS = 20_000;

/** A simulated network between one client and one server. */
export class World implements Environment {
  readonly clock: VirtualClock = new VirtualClock();
  readonly takesHeaders = true;
  server!: ModelServer;
  connections: SimulatedConnection[] = [];
  asking: Asking[] = [];
  /** Requests that the client has abandoned, and that may still arrive. */
  late: Asking[] = [];
  /** Whether such a request has arrived. */
  anyArrivedLate = false;
  steps = 0;
  /** How a proxy blocks upgrade requests, if there is one. */
  proxy: "none" | "hangs up" | "answers 400" | "strips upgrades" = "none";
  readonly random: () => number;
  readonly #wildSteps: number;

  /**
   * @param seed The seed of all random decisions.
   * @param wildSteps The number of steps in which faults may occur; later, none does.
   */
  constructor(seed: number, wildSteps: number) {
    this.random = prng(seed);
    this.#wildSteps = wildSteps;
  }

  /** Whether faults may still occur. */
  get wild(): boolean {
    return this.steps < this.#wildSteps;
  }

  /** The next random decision: an integer in [0, count). */
  choose(count: number): number {
    return Math.floor(this.random() * count);
  }

  connect(request: SocketRequest, handler: SocketHandler): Promise<ClientSocket | Response> {
    const connection = new SimulatedConnection(handler, request.signal);
    return new Promise((resolve, reject) => this.asking.push({ request, connection, resolve, reject }));
  }

  readonly fetch = async (url: URL, init: RequestInit): Promise<Response> => {
    if (!this.server.up) throw new TypeError("fetch failed");
    if (init.method !== "HEAD") return this.server.followOverHttp(url.searchParams);
    // The response promises that this many bytes are kept.
    this.server.promised = this.server.size;
    const headers = { "Stream-Next-Offset": String(this.server.size) };
    return this.server.exists ? new Response(null, { headers }) : new Response(null, { status: 404 });
  };

  /**
   * Runs events until the promise has settled.
   *
   * @param more Returns the possible events of the server: normal ones and faults.
   * @throws {Error} if it takes too many steps, or if no event is possible any more.
   */
  async until(done: Promise<unknown>, more: () => { normal: Event[]; faults: Event[] }): Promise<void> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    done.then(settle, settle);
    for (let idle = 0; ; ) {
      await quiet();
      if (settled) return;
      if (++this.steps > MAX_STEPS) throw new Error("it does not come to an end");
      const event = this.#next(more());
      // Streams of the platform may need another turn of the event loop.
      if (event) event();
      else if (++idle > 20) throw new Error("nothing can happen any more, and it has not ended");
      else await turn();
      if (event) idle = 0;
    }
  }

  #next({ normal, faults }: { normal: Event[]; faults: Event[] }): Event | undefined {
    const wild = this.wild;
    if (wild && faults.length > 0 && this.choose(5) === 0) return faults[this.choose(faults.length)];
    const events = [...normal, ...this.#traffic()];
    // Time advances when no event is possible, and sometimes earlier, but rarely by much.
    const { nextMs } = this.clock;
    const early = wild && nextMs !== undefined && this.choose(nextMs < 5_000 ? 8 : 200) === 0;
    if (nextMs !== undefined && (events.length === 0 || early)) return () => this.clock.advance();
    return events[this.choose(Math.max(1, events.length))];
  }

  /** The possible events of the network without a fault. */
  #traffic(): Event[] {
    const events: Event[] = [];
    for (const asking of this.asking) events.push(() => this.answer(asking));
    for (const asking of this.late) events.push(() => this.#arrive(asking));
    this.connections = this.connections.filter(
      (one) => (one.clientThere && !one.cut) || one.serverThere || one.up.length + one.down.length > 0,
    );
    for (const one of this.connections) {
      if (one.up.length > 0 && !one.cut) events.push(() => one.deliverUp());
      if (one.down.length > 0 && !one.cut && !one.paused) events.push(() => one.deliverDown());
      // The server learns that a client has left once everything in transit has arrived.
      if (!one.clientThere && one.serverThere && one.up.length === 0 && !one.cut) events.push(() => one.serverGone());
      // A client learns likewise that its server is gone.
      if (!one.serverThere && one.clientThere && one.down.length === 0 && !one.cut) {
        events.push(() => one.clientGone(1006));
      }
    }
    this.server.bodies = this.server.bodies.filter((body) => !body.over);
    for (const body of this.server.bodies) {
      if (body.moving) events.push(() => body.deliver(1 + this.choose(40)));
    }
    return events;
  }

  /** The possible faults of the network. */
  troubles(): Event[] {
    const events: Event[] = this.server.bodies.map((body) => () => body.cut());
    for (const asking of this.asking) {
      events.push(() => this.#fail(asking));
      events.push(() => this.#refuse(asking));
      events.push(() => this.#delay(asking));
      // The server's response is lost.
      events.push(() => {
        this.answer(asking, true);
        this.#cut(asking.connection);
      });
    }
    for (const one of this.connections) {
      if (one.cut) {
        if (one.clientThere) events.push(() => one.clientGone(1006));
        if (one.serverThere) events.push(() => one.serverGone());
        continue;
      }
      events.push(() => {
        one.clientGone(1006);
        one.serverGone();
      });
      // The client gives up, but what it has sent still arrives.
      if (one.clientThere) events.push(() => one.clientGone(1006));
      if (one.serverThere) events.push(() => one.serverGone());
      // Half-open: neither end learns that the connection is gone.
      events.push(() => this.#cut(one));
    }
    return events;
  }

  /** Ends the server's process by `how`, and its connections with it. */
  kill(how: () => void): void {
    how();
    for (const one of this.connections) {
      one.serverThere = false;
      one.up = [];
    }
    for (const body of this.server.bodies) body.breakOff();
  }

  /** Lets the server answer an upgrade request. If `unheard`, the client does not get the response. */
  answer(asking: Asking, unheard = false): void {
    const { request, connection } = asking;
    if (!this.server.up) {
      this.#fail(asking);
      return;
    }
    this.#forget(asking);
    const query = request.url.searchParams;
    if (this.proxy !== "none") {
      if (this.proxy === "hangs up") asking.reject(new Error("the connection broke"));
      else if (this.proxy === "answers 400") asking.resolve(new Response("no", { status: 400 }));
      else asking.resolve(this.server.followOverHttp(query));
      return;
    }
    const answer =
      query.get("verb") === "APPEND" ? this.server.append(query, connection) : this.server.follow(query, connection);
    if (answer instanceof Response) {
      if (unheard) asking.reject(new Error("the connection broke"));
      else asking.resolve(answer);
      return;
    }
    connection.server = answer;
    connection.hold();
    this.connections.push(connection);
    if (unheard) {
      connection.clientThere = false;
      asking.reject(new Error("the connection broke"));
    } else {
      asking.resolve(connection);
    }
  }

  #cut(connection: SimulatedConnection): void {
    connection.cut = true;
    connection.up = [];
    connection.down = [];
    // The server's pings go unanswered.
    this.clock.after(PINGS_MS, () => connection.serverGone());
  }

  #fail(asking: Asking): void {
    this.#forget(asking);
    asking.reject(new Error("no answer"));
  }

  /** The client gives up, but its request stays in transit. */
  #delay(asking: Asking): void {
    this.#fail(asking);
    this.late.push(asking);
    this.clock.after(LATE_MS, () => this.#forget(asking));
  }

  /** An abandoned request arrives. */
  #arrive(asking: Asking): void {
    this.#forget(asking);
    if (!this.server.up) return;
    this.anyArrivedLate = true;
    this.answer(asking, true);
  }

  #refuse(asking: Asking): void {
    this.#forget(asking);
    const headers = { "Stream-Error": "restarting", "Retry-After": "1" };
    asking.resolve(new Response(null, { status: 503, headers }));
  }

  #forget(asking: Asking): void {
    this.asking = this.asking.filter((other) => other !== asking);
    this.late = this.late.filter((other) => other !== asking);
  }
}

/** Resolves when every promise that can settle has settled. */
async function quiet(): Promise<void> {
  // A tick runs after all microtasks, and the second one after those that the first has caused.
  await new Promise<void>((resolve) => process.nextTick(resolve));
  await new Promise<void>((resolve) => process.nextTick(resolve));
}
