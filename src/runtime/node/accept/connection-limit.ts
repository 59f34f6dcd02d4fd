/**
 * Limits the number of connections of a server, in all, by peer, and by the descriptors that the system allows. A process
 * without free file descriptors cannot open any file, and on Deno, a server whose accept has failed never accepts again.
 * The server therefore refuses connections before that.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import type { TrustedProxies } from "../../../server/request/trusted-proxies.ts";
import { plainAnswer } from "../refuse/plain-answer.ts";
import type { OnRefused } from "../refuse/server-refusal.ts";
import { PeerSockets, type PeerTally, type SocketLimits, UPGRADED_SHARE } from "./peer-sockets.ts";
import { RefusalNotes, type Report } from "./refusal-notes.ts";

const IS_DENO = "Deno" in globalThis;

/** Descriptors that are kept free for files that are open only briefly: claims, records, folders. */
const RESERVE = 32;

/** Maximum number of connections that get an answer to their refusal at the same time. Each has a descriptor until it is sent. */
const MAX_REFUSING = 8;

/** Milliseconds for which a count of the open descriptors stays valid if it left no room. */
const COUNT_MS = 50;

/** What a client whose connection is refused gets, by the code. */
const STATUSES = { overloaded: 503, too_many: 429 } as const;

/** Options of a {@link ConnectionLimit}. */
export interface ConnectionLimitOptions {
  /** Receives messages for the log: that connections are refused, and how many were once there is room again. */
  readonly report: Report;
  /** Receives each refusal. Default: not reported. */
  readonly onRefused?: OnRefused | undefined;
  /** Connections that the system may queue. */
  readonly backlog: number;
  readonly limits: SocketLimits;
  /** Proxies whose connections do not count as those of one client. Default: none. */
  readonly proxies?: TrustedProxies | undefined;
  /**
   * Maximum number of descriptors that this process may have open. Default: the system's limit; where the system names
   * none, it limits no connections.
   */
  readonly descriptors?: number;
}

/** Why a connection is refused. */
interface Refusal {
  readonly code: keyof typeof STATUSES;
  readonly why: string;
  /** Whether hardly any descriptor is left. */
  readonly isScarce?: boolean;
}

/** The connections of one server. */
export class ConnectionLimit {
  readonly #sockets = new Map<Duplex, PeerTally | undefined>();
  readonly #peers: PeerSockets;
  readonly #maxSockets: number;
  readonly #limit: number;
  readonly #backlog: number;
  readonly #report: Report;
  readonly #notes: RefusalNotes;
  readonly #onRefused: OnRefused | undefined;
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
  /** Connections that were refused since the descriptors became scarce. */
  #refused = 0;
  /** Refusals that are being sent. */
  #refusing = 0;

  constructor({
    report,
    onRefused,
    backlog,
    limits,
    proxies,
    descriptors = descriptorLimit(),
  }: ConnectionLimitOptions) {
    this.#report = report;
    this.#notes = new RefusalNotes(report);
    this.#onRefused = onRefused;
    this.#maxSockets = limits.sockets;
    const leaves = (socket: Duplex): void => this.#leave(socket);
    this.#forget = function () {
      leaves(this);
    };
    this.#base = openDescriptors() ?? 0;
    // Deno accepts as many connections as are queued, and more, before it reports the first.
    const room = descriptors - this.#base - RESERVE;
    this.#backlog = IS_DENO ? Math.max(4, Math.min(backlog, Math.floor(room / 6))) : backlog;
    this.#limit = IS_DENO ? descriptors - 2 * this.#backlog : descriptors;
    this.#peers = new PeerSockets(limits, proxies, this.#limit - this.#base - RESERVE);
  }

  /** The open connections. */
  get sockets(): ReadonlySet<Duplex> {
    return new Set(this.#sockets.keys());
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

  /**
   * Accepts a connection, or refuses it with 429 or 503. In a crowd, and on Deno if descriptors are scarce, it is closed
   * without an answer.
   */
  add(socket: Duplex & { readonly remoteAddress?: string | undefined }): void {
    // A connection whose request is parsed again is added twice.
    if (this.#sockets.has(socket)) return;
    this.#accepted++;
    const { remoteAddress } = socket;
    const tally = this.#peers.of(remoteAddress);
    const refusal = this.#refusalOf(tally);
    if (refusal) {
      this.#refuse(socket, refusal, remoteAddress);
      return;
    }
    if (this.#refused > 0) this.#report(`Connections are accepted again; ${this.#refused} were refused.`);
    this.#refused = 0;
    this.#sockets.set(socket, tally);
    if (tally) this.#peers.enter(tally);
    socket.on("close", this.#forget);
  }

  /** Marks a connection that is about to become a WebSocket. */
  upgraded(socket: Duplex): void {
    if (!this.#sockets.has(socket) || this.#upgraded.has(socket)) return;
    this.#upgraded.add(socket);
    this.#upgradedCount++;
    const tally = this.#sockets.get(socket);
    if (tally) tally.upgraded++;
  }

  #leave(socket: Duplex): void {
    const tally = this.#sockets.get(socket);
    if (!this.#sockets.delete(socket)) return;
    const isUpgraded = this.#upgraded.has(socket);
    if (isUpgraded) this.#upgradedCount--;
    if (!tally) return;
    if (isUpgraded) tally.upgraded--;
    this.#peers.leave(tally);
  }

  /** The peer first: what one client does must not look like a shortage for all. */
  #refusalOf(tally: PeerTally | undefined): Refusal | undefined {
    const why = tally && this.#peers.refusal(tally);
    if (why !== undefined) return { code: "too_many", why };
    const { size } = this.#sockets;
    if (this.#maxSockets > 0 && size >= this.#maxSockets) {
      return { code: "overloaded", why: `The server has ${size} connections, which is its limit (sockets).` };
    }
    if (this.#hasRoom()) return undefined;
    // Deno accepts connections before it reports them, so that a crowd can take descriptors that its tally does not have yet.
    const crowding = tally && this.#peers.crowding(tally, size);
    if (crowding !== undefined) return { code: "too_many", why: crowding, isScarce: true };
    return { code: "overloaded", why: "The server has too many connections.", isScarce: true };
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
    const files = open - this.#base - this.#sockets.size;
    const plain = this.#sockets.size - this.#upgradedCount;
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

  #refuse(socket: Duplex, { code, why, isScarce = false }: Refusal, peer: string | undefined): void {
    const sentence = `${why} Try again in a moment.`;
    this.#onRefused?.({ code, status: STATUSES[code], message: sentence, ...(peer !== undefined && { peer }) });
    if (!isScarce || code === "too_many") this.#notes.note(why);
    else if (this.#refused++ === 0) {
      const { size } = this.#sockets;
      this.#report(`Connections are refused: ${size} are open, and the system allows only a few more open files.`);
    }
    socket.on("error", () => {});
    // Before a refusal is sent, more connections are accepted, until no descriptor is left for one: on Deno always, on
    // Node if a crowd has been waiting.
    if ((IS_DENO && isScarce) || this.#refusing === MAX_REFUSING) return void socket.destroy();
    this.#refusing++;
    socket.once("close", () => this.#refusing--);
    const answer = plainAnswer({ status: STATUSES[code], code, sentence, headers: { "Retry-After": "1" } });
    socket.end(answer, () => socket.destroy());
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
