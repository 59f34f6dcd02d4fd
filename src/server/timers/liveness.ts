/**
 * Pings for all WebSockets of a server, and the verdict on those who stopped answering.
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
   * Sends no more pings, and resolves when all that were sent are answered, or no answer is to be expected, or the watch
   * has ended. A peer that is behind answers a ping when it has read what was sent before it. If that answer reaches a
   * connection that the runtime has closed, the system resets it, and what the peer has not read yet is lost.
   */
  settled(): Promise<void>;
  /** Ends the watch. */
  stop(): void;
}

/** Pings every watched WebSocket, and terminates those that answered pings once and have missed too many. */
export class Liveness {
  readonly #limits: Readonly<Limits>;
  readonly #monitored: StaggeredInterval<MonitoredSocket>;

  /** @param limits How often, and how many may be missed. */
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

  /** @internal Milliseconds that an answer may take. */
  get answerTimeoutMs(): number {
    return this.#limits.pingIntervalMs * this.#limits.missedPings;
  }

  #ask(socket: MonitoredSocket): void {
    const { port } = socket;
    if (socket.answers && !port.paused && socket.unanswered >= this.#limits.missedPings) {
      this.#monitored.remove(socket);
      port.terminate();
    } else if (port.pending === 0) {
      // A ping behind data that has not left says nothing about the peer: it may just be slow to read. Nor does its
      // silence while we do not listen, as long as the store is slower than it is.
      socket.unanswered = port.paused ? 0 : socket.unanswered + 1;
      socket.owed++;
      port.ping?.();
    }
  }
}

/** What is known of one WebSocket. A class, for closures are what thousands of idle ones would take most memory for. */
class MonitoredSocket implements Watch {
  readonly port: SocketPort;
  answers = false;
  unanswered = 0;
  /** How many pings it has not answered. */
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
    // Who has let a whole interval pass, and never answered a ping, will not begin now.
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
