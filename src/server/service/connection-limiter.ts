/**
 * The appends, follows and large reads that are connected, in all, by peer and by path, with their limits.
 * @module
 */
import type { Limits } from "../../engine/limits.ts";
import { type ErrorCode, StreamError } from "../../protocol/errors.ts";
import { peerGroup } from "../../support/peer-group.ts";

/** A client and the path that it asks for. */
interface Requester {
  readonly path: string;
  /** Undefined where the runtime does not expose it; then no limit on addresses applies. */
  readonly peer?: string;
}

/** What a connection uses its slot for. */
export type Purpose = "append" | "follow" | "read";

/** The slot of one connection. */
export class ConnectionSlot {
  readonly #leave: () => void;
  #isLeft = false;
  /** Whether the connection outlasts the answer of its request. If so, it leaves by itself. */
  isKept = false;

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  /** Frees the slot. Only the first call counts. */
  leave(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#leave();
  }
}

/** The connections of one server. */
export class ConnectionLimiter {
  readonly #limits: Readonly<Limits>;
  readonly #peers = new Counts();
  readonly #followers = new Counts();
  #all = 0;
  /** The connections that peers have begun in this second. */
  readonly #begun = new Counts();
  #second = 0;

  constructor(limits: Readonly<Limits>) {
    this.#limits = limits;
  }

  /**
   * Occupies a slot for a connection.
   *
   * @throws {StreamError} `overloaded` if the server or the path has too many connections, `too_many` if the peer has.
   */
  enter({ path, peer: address }: Requester, purpose: Purpose): ConnectionSlot {
    const { connections, peerConnections, pathFollowers } = this.#limits;
    const peer = address === undefined ? undefined : peerGroup(address);
    const follows = purpose === "follow";
    if (peer !== undefined && purpose !== "read") this.#checkRate(peer);
    if (isFull(connections, this.#all)) {
      const message = `The server has ${connections} appends, follows and large reads, which is its limit (connections).`;
      throw refusal("overloaded", message);
    }
    if (peer !== undefined && isFull(peerConnections, this.#peers.of(peer))) {
      const message = `${peer} has ${peerConnections} appends, follows and large reads, which is the limit for one address (peerConnections).`;
      throw refusal("too_many", message);
    }
    if (follows && isFull(pathFollowers, this.#followers.of(path))) {
      const message = `"/${path}" has ${pathFollowers} followers, which is the limit for one resource (pathFollowers).`;
      throw refusal("overloaded", message, path);
    }
    this.#count(path, peer, follows, 1);
    return new ConnectionSlot(() => this.#count(path, peer, follows, -1));
  }

  #count(path: string, peer: string | undefined, follows: boolean, by: 1 | -1): void {
    this.#all += by;
    if (peer !== undefined) this.#peers.add(peer, by);
    if (follows) this.#followers.add(path, by);
  }

  #checkRate(peer: string): void {
    const { peerConnectionsPerSecond: max } = this.#limits;
    if (max === 0) return;
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) this.#begun.clear();
    this.#second = second;
    if (this.#begun.of(peer) >= max) {
      const message = `${peer} begins more than ${max} appends and follows in a second, which is the limit for one address (peerConnectionsPerSecond).`;
      throw refusal("too_many", message);
    }
    this.#begun.add(peer, 1);
  }
}

/** Numbers by name; a name that is not counted has 0. */
class Counts {
  readonly #counts = new Map<string, number>();

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  add(name: string, by: number): void {
    const count = this.of(name) + by;
    if (count > 0) this.#counts.set(name, count);
    else this.#counts.delete(name);
  }

  clear(): void {
    this.#counts.clear();
  }
}

function isFull(limit: number, count: number): boolean {
  return limit > 0 && count >= limit;
}

function refusal(code: ErrorCode, what: string, path?: string): StreamError {
  const headers = { "Retry-After": "1" };
  return new StreamError(code, `${what} Try again in a moment.`, { headers, ...(path !== undefined && { path }) });
}
