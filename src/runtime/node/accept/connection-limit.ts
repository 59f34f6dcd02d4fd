/**
 * Limits the number of connections of a server. A process without free file descriptors cannot open any file, and on
 * Deno, a server whose accept has failed never accepts again. The server therefore refuses connections before that.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Duplex } from "node:stream";

/** Descriptors that are kept free for files that are open only briefly: claims, records, folders. */
const RESERVE = 32;

/** One in this many WebSockets may have a file open at the same time, as a follower does that catches up. */
const UPGRADED_SHARE = 8;

/** Maximum number of connections that get an answer to their refusal at the same time. Each has a descriptor until it is sent. */
const MAX_REFUSING = 8;

/** Milliseconds for which a count of the open descriptors stays valid if it left no room. */
const COUNT_MS = 50;

const REFUSAL_BODY = "The server has too many connections. Try again in a moment.\n";
const REFUSAL = `HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: ${REFUSAL_BODY.length}\r\n\r\n${REFUSAL_BODY}`;

/** Receives messages of a {@link ConnectionLimit}: that connections are refused, and how many were once there is room again. */
export type LimitReport = (message: string) => void;

/** The connections of one server. */
export class ConnectionLimit {
  /** The open connections. */
  readonly sockets: Set<Duplex> = new Set();
  readonly #limit: number;
  readonly #backlog: number;
  readonly #report: LimitReport;
  /** Descriptors that were open before the first connection. */
  readonly #base: number;
  /** Connections that have become WebSockets, most of which open no more files. */
  readonly #upgraded = new WeakSet<Duplex>();
  #upgradedCount = 0;
  /** Connections that may be accepted before the descriptors are counted again. */
  #credit = 0;
  #accepted = 0;
  #peak = 0;
  /** One listener for all connections, because thousands of idle ones keep it. */
  readonly #forget: (this: Duplex) => void;
  #fullUntilMs = 0;
  #refused = 0;
  /** Refusals that are being sent. */
  #refusing = 0;

  /**
   * @param report Receives messages for the log.
   * @param backlog Connections that the system may queue.
   * @param limit Maximum number of descriptors that this process may have open. Default: the system's limit; where the
   * system names none, all connections are accepted.
   */
  constructor(report: LimitReport, backlog: number, limit: number = descriptorLimit()) {
    this.#report = report;
    const { sockets } = this;
    const leaves = (socket: Duplex): void => {
      if (sockets.delete(socket) && this.#upgraded.has(socket)) this.#upgradedCount--;
    };
    this.#forget = function () {
      leaves(this);
    };
    this.#base = openDescriptors() ?? 0;
    // Deno accepts as many connections as are queued, and more, before it reports the first.
    const room = limit - this.#base - RESERVE;
    this.#backlog = "Deno" in globalThis ? Math.max(4, Math.min(backlog, Math.floor(room / 6))) : backlog;
    this.#limit = "Deno" in globalThis ? limit - 2 * this.#backlog : limit;
  }

  /** Number of connections that were reported so far, with those that were refused. */
  get accepted(): number {
    return this.#accepted;
  }

  /** The largest share of the descriptors that was found in use since the last call. */
  takePeak(): number {
    this.#note(openDescriptors() ?? 0);
    const peak = this.#peak;
    this.#peak = 0;
    return peak;
  }

  /** Connections that the system can safely queue. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Accepts a connection, or refuses it: with 503; on Deno, and in a crowd, without an answer. */
  add(socket: Duplex): void {
    // A connection whose request is parsed again is added twice.
    if (this.sockets.has(socket)) return;
    this.#accepted++;
    if (!this.#hasRoom()) {
      this.#refuse(socket);
      return;
    }
    if (this.#refused > 0) this.#report(`Connections are accepted again; ${this.#refused} were refused.`);
    this.#refused = 0;
    this.sockets.add(socket);
    socket.on("close", this.#forget);
  }

  /** Marks a connection that is about to become a WebSocket. */
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
    this.#note(open);
    // Each connection may open a file at any time, so the free descriptors must suffice for all connections and this
    // one.
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

  #note(open: number): void {
    this.#peak = Math.max(this.#peak, open / this.#limit);
  }

  #refuse(socket: Duplex): void {
    if (this.#refused++ === 0) {
      const { size } = this.sockets;
      this.#report(`Connections are refused: ${size} are open, and the system allows only a few more open files.`);
    }
    socket.on("error", () => {});
    // Before a refusal is sent, more connections are accepted, until no descriptor is left for one: on Deno always, on
    // Node if a crowd has been waiting.
    if ("Deno" in globalThis || this.#refusing === MAX_REFUSING) return void socket.destroy();
    this.#refusing++;
    socket.once("close", () => this.#refusing--);
    socket.end(REFUSAL, () => socket.destroy());
  }
}

/** Maximum number of files that this process may have open; infinite if the system does not report it. */
function descriptorLimit(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Number of open files of this process; infinite if none is left to count them, undefined if the system does not report it. */
function openDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "EMFILE" || code === "ENFILE" ? Number.POSITIVE_INFINITY : undefined;
  }
}
