/**
 * How many connections a server takes. A process that is out of file descriptors can open no file for anybody; and on Deno
 * a server whose system has refused it a connection never takes another. So it stops before.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Duplex } from "node:stream";

/** Descriptors that are kept free for what is opened for a moment: claims, records, folders. */
const RESERVE = 32;

/** One in so many WebSockets may open a file at the same time: a follower that catches up. */
const UPGRADED_SHARE = 8;

/** Milliseconds for which a count of the open descriptors that left no room is good. */
const COUNT_MS = 50;

const REFUSAL_BODY = "The server has as many connections as it can take. Try again in a moment.\n";
const REFUSAL = `HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: ${REFUSAL_BODY.length}\r\n\r\n${REFUSAL_BODY}`;

/** What a {@link Crowd} says: that connections are refused, and how many were once there is room again. */
export type CrowdReport = (message: string) => void;

/** The connections of one server. */
export class Crowd {
  /** Those that are open. */
  readonly sockets: Set<Duplex> = new Set();
  readonly #limit: number;
  readonly #backlog: number;
  readonly #report: CrowdReport;
  /** Descriptors that were open before the first connection. */
  readonly #base: number;
  /** Connections that have become WebSockets: most of them open no file any more. */
  readonly #upgraded = new WeakSet<Duplex>();
  #upgradedCount = 0;
  /** Connections that may come before the descriptors are counted again. */
  #credit = 0;
  /** One for all of them: thousands of idle connections keep theirs. */
  readonly #forget: (this: Duplex) => void;
  #fullUntilMs = 0;
  #refused = 0;

  /**
   * @param report Takes sentences for the log.
   * @param backlog Connections that the system may queue.
   * @param limit Most descriptors that this process may have open. Default: what the system says; where it says nothing,
   * all connections are taken.
   */
  constructor(report: CrowdReport, backlog: number, limit: number = descriptorLimit()) {
    this.#report = report;
    const { sockets } = this;
    const leaves = (socket: Duplex): void => {
      if (sockets.delete(socket) && this.#upgraded.has(socket)) this.#upgradedCount--;
    };
    this.#forget = function () {
      leaves(this);
    };
    this.#base = openDescriptors() ?? 0;
    // Deno takes as many as are queued, and more, before we hear of the first.
    const room = limit - this.#base - RESERVE;
    this.#backlog = "Deno" in globalThis ? Math.max(4, Math.min(backlog, Math.floor(room / 6))) : backlog;
    this.#limit = "Deno" in globalThis ? limit - 2 * this.#backlog : limit;
  }

  /** Connections that the system may queue without a danger for us. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Takes a connection, or refuses it with 503. */
  add(socket: Duplex): void {
    // A connection whose request is parsed again comes twice.
    if (this.sockets.has(socket)) return;
    if (!this.#hasRoom()) {
      this.#refuse(socket);
      return;
    }
    if (this.#refused > 0) this.#report(`There is room for connections again; ${this.#refused} were refused.`);
    this.#refused = 0;
    this.sockets.add(socket);
    socket.on("close", this.#forget);
  }

  /** A connection is about to become a WebSocket. */
  upgraded(socket: Duplex): void {
    if (!this.sockets.has(socket) || this.#upgraded.has(socket)) return;
    this.#upgraded.add(socket);
    this.#upgradedCount++;
  }

  #hasRoom(): boolean {
    if (this.#credit-- > 0) return true;
    this.#credit = 0;
    const nowMs = performance.now();
    if (nowMs < this.#fullUntilMs) return false;
    const open = openDescriptors();
    if (open === undefined) return true;
    // Each connection may open a file at any time: what is free must suffice for all that are there, and for this one.
    const files = open - this.#base - this.sockets.size;
    const plain = this.sockets.size - this.#upgradedCount;
    const expected = Math.max(0, plain - Math.max(0, files)) + this.#upgradedCount / UPGRADED_SHARE;
    const free = this.#limit - RESERVE - open - expected;
    this.#credit = Math.floor(free / 4);
    if (free >= 2) return true;
    this.#credit = 0;
    this.#fullUntilMs = nowMs + COUNT_MS;
    return false;
  }

  #refuse(socket: Duplex): void {
    if (this.#refused++ === 0) {
      const { size } = this.sockets;
      this.#report(`Connections are refused: ${size} are open, and the system allows few more open files.`);
    }
    socket.on("error", () => {});
    // On Deno more may be taken before this one would have been told, until there is no descriptor for one.
    if ("Deno" in globalThis) socket.destroy();
    else socket.end(REFUSAL, () => socket.destroy());
  }
}

/** How many files this process may have open; no limit where the system does not say. */
function descriptorLimit(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function openDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
