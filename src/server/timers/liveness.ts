/**
 * Pings for all WebSockets of a server, and the verdict on those who stopped answering.
 * @module
 */
import type { Limits } from "../../engine/limits.ts";
import type { SocketPort } from "../platform/platform.ts";
import { Rota } from "./staggered-interval.ts";

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
  readonly #patients: Rota<Patient>;

  /** @param limits How often, and how many may be missed. */
  constructor(limits: Readonly<Limits>) {
    this.#limits = limits;
    this.#patients = new Rota(limits.pingIntervalMs, (patient) => this.#ask(patient));
  }

  /** Watches a WebSocket until {@link Watch.stop}. */
  watch(port: SocketPort): Watch {
    const patient = new Patient(port, this);
    if (port.ping && this.#limits.pingIntervalMs > 0) this.#patients.add(patient);
    return patient;
  }

  /** @internal Called by {@link Watch.stop}. */
  dismiss(patient: Patient): void {
    this.#patients.remove(patient);
  }

  /** @internal Milliseconds that an answer may take. */
  get patienceMs(): number {
    return this.#limits.pingIntervalMs * this.#limits.missedPings;
  }

  #ask(patient: Patient): void {
    const { port } = patient;
    if (patient.answers && !port.paused && patient.unanswered >= this.#limits.missedPings) {
      this.#patients.remove(patient);
      port.terminate();
    } else if (port.pending === 0) {
      // A ping behind data that has not left says nothing about the peer: it may just be slow to read. Nor does its
      // silence while we do not listen, as long as the store is slower than it is.
      patient.unanswered = port.paused ? 0 : patient.unanswered + 1;
      patient.owed++;
      port.ping?.();
    }
  }
}

/** What is known of one WebSocket. A class, for closures are what thousands of idle ones would take most memory for. */
class Patient implements Watch {
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
    let patience: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      // A peer may answer several pings with one pong.
      patience = setTimeout(resolve, this.#liveness.patienceMs);
    });
    clearTimeout(patience);
  }

  stop(): void {
    this.#liveness.dismiss(this);
    this.#settle?.();
  }
}
