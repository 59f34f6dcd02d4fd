/**
 * Pings all WebSockets of a server, and drops those that have stopped answering.
 * @module
 */
import type { Limits } from "../../engine/limits.ts";
import type { SocketPort } from "../platform/platform.ts";
import { StaggeredInterval } from "./staggered-interval.ts";

/** One watched WebSocket. */
export interface Watch {
  /** The peer sent something: data or a pong. */
  heard(pong: boolean): void;
  /**
   * Stops pinging. Resolves when every ping is answered, when no more pongs can be expected, or when the watch ends. A
   * peer that lags answers a ping only after it has read the data before it. If its pong reaches a connection that the
   * runtime has closed, the system resets the connection, and the peer loses what it has not read yet.
   */
  settled(): Promise<void>;
  /** Ends the watch. */
  stop(): void;
}

/** Pings every watched WebSocket. Terminates one that used to answer pings and has missed too many in a row. */
export class Liveness {
  readonly #limits: Readonly<Limits>;
  readonly #monitored: StaggeredInterval<MonitoredSocket>;

  /** @param limits The ping interval, and how many pings may be missed. */
  constructor(limits: Readonly<Limits>) {
    this.#limits = limits;
    this.#monitored = new StaggeredInterval(limits.pingIntervalMs, (socket) => this.#ask(socket));
  }

  /** Watches a WebSocket until {@link Watch.stop}. */
  watch(port: SocketPort): Watch {
    const socket = new MonitoredSocket(port, this);
    if (port.ping && this.#limits.pingIntervalMs > 0) this.#monitored.add(socket);
    return socket;
  }

  /** @internal Called by {@link Watch.stop}. */
  dismiss(socket: MonitoredSocket): void {
    this.#monitored.remove(socket);
  }

  /** @internal Milliseconds to wait for a pong. */
  get answerTimeoutMs(): number {
    return this.#limits.pingIntervalMs * this.#limits.missedPings;
  }

  #ask(socket: MonitoredSocket): void {
    const { port } = socket;
    if (socket.answers && !port.paused && socket.unanswered >= this.#limits.missedPings) {
      this.#monitored.remove(socket);
      port.terminate();
    } else if (port.pending === 0) {
      // A ping behind unsent data says nothing about the peer, which may just be a slow reader. While reading from the
      // peer is paused because the store is slower, its silence says nothing either.
      socket.unanswered = port.paused ? 0 : socket.unanswered + 1;
      socket.owed++;
      port.ping?.();
    }
  }
}

/** The state of one WebSocket. A class, because closures would take most of the memory of thousands of idle ones. */
class MonitoredSocket implements Watch {
  readonly port: SocketPort;
  answers = false;
  unanswered = 0;
  /** Pings that the peer has not answered. */
  owed = 0;
  #settle: (() => void) | undefined;
  readonly #liveness: Liveness;

  constructor(port: SocketPort, liveness: Liveness) {
    this.port = port;
    this.#liveness = liveness;
  }

  heard(pong: boolean): void {
    this.unanswered = 0;
    if (!pong) return;
    this.answers = true;
    if (this.owed > 0) this.owed--;
    if (this.owed === 0) this.#settle?.();
  }

  async settled(): Promise<void> {
    this.#liveness.dismiss(this);
    // A peer that has let a whole interval pass without ever answering a ping will not answer now.
    if (this.owed === 0 || (!this.answers && this.owed > 1)) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      // A peer may answer several pings with one pong.
      timer = setTimeout(resolve, this.#liveness.answerTimeoutMs);
    });
    clearTimeout(timer);
  }

  stop(): void {
    this.#liveness.dismiss(this);
    this.#settle?.();
  }
}
