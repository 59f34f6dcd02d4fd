/**
 * The connections of each peer, those that never send a request, too.
 * @module
 */
import type { Limits } from "../../../engine/limits.ts";
import type { TrustedProxies } from "../../../server/request/trusted-proxies.ts";
import { peerGroup } from "../../../support/peer-group.ts";

/** The limits on connections. */
export type SocketLimits = Pick<Limits, "sockets" | "peerSockets" | "peerSocketsPerSecond">;

/** One in this many WebSockets may have a file open at the same time, as a follower does that catches up. */
export const UPGRADED_SHARE = 8;

/**
 * The share of the descriptors that the connections of one peer may need. Two peers can still need all of them, but a
 * smaller share would limit all clients behind a proxy that is not known as one.
 */
const PEER_SHARE = 3 / 4;

/** The connections of one peer. */
export class PeerTally {
  /** What its address counts as. */
  readonly name: string;
  /** Its open connections. */
  sockets = 0;
  /** Those of them that have become WebSockets. */
  upgraded = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Descriptors that its connections have, and may need for files. */
  get descriptors(): number {
    return 2 * this.sockets - this.upgraded * (1 - 1 / UPGRADED_SHARE);
  }
}

/** Counts the connections of each peer. */
export class PeerSockets {
  readonly #limits: SocketLimits;
  readonly #proxies: TrustedProxies | undefined;
  readonly #maxDescriptors: number;
  readonly #tallies = new Map<string, PeerTally>();
  /** Connections that peers have begun in this second. */
  readonly #begun = new Map<string, number>();
  #second = 0;

  /**
   * @param proxies Proxies whose connections are those of many clients, and are not limited. Default: none.
   * @param descriptors Descriptors that all connections together may need.
   */
  constructor(limits: SocketLimits, proxies: TrustedProxies | undefined, descriptors: number) {
    this.#limits = limits;
    this.#proxies = proxies;
    this.#maxDescriptors = limits.peerSockets === 0 ? Number.POSITIVE_INFINITY : Math.max(2, descriptors * PEER_SHARE);
  }

  /** The tally of an address; undefined for a trusted proxy, and for an unknown address. */
  of(address: string | undefined): PeerTally | undefined {
    if (address === undefined || this.#proxies?.trusts(address)) return undefined;
    const name = peerGroup(address);
    return this.#tallies.get(name) ?? new PeerTally(name);
  }

  /** Why a peer may not have one more connection, as a sentence; undefined if it may. Counts that it has begun one. */
  refusal(tally: PeerTally): string | undefined {
    const { peerSockets, peerSocketsPerSecond } = this.#limits;
    const { name, sockets } = tally;
    if (!this.#begins(name, peerSocketsPerSecond)) {
      return `${name} opens more than ${peerSocketsPerSecond} connections in a second, which is the limit for one address (peerSocketsPerSecond).`;
    }
    if (peerSockets > 0 && sockets >= peerSockets) {
      return `${name} has ${sockets} connections, which is the limit for one address (peerSockets).`;
    }
    return tally.descriptors + 2 <= this.#maxDescriptors ? undefined : tooManyFiles(tally);
  }

  /**
   * Why a peer may not have one more connection while descriptors are scarce: most connections are its own. Undefined if they are
   * not, or if connections of a peer are not limited.
   *
   * @param total All open connections.
   */
  crowding(tally: PeerTally, total: number): string | undefined {
    const isLimited = this.#maxDescriptors !== Number.POSITIVE_INFINITY;
    return isLimited && tally.sockets > total / 2 ? tooManyFiles(tally) : undefined;
  }

  /** Counts a connection. */
  enter(tally: PeerTally): void {
    tally.sockets++;
    this.#tallies.set(tally.name, tally);
  }

  /** Forgets a connection. */
  leave(tally: PeerTally): void {
    if (--tally.sockets === 0) this.#tallies.delete(tally.name);
  }

  #begins(name: string, max: number): boolean {
    if (max === 0) return true;
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) this.#begun.clear();
    this.#second = second;
    const begun = this.#begun.get(name) ?? 0;
    if (begun >= max) return false;
    this.#begun.set(name, begun + 1);
    return true;
  }
}

function tooManyFiles({ name, sockets }: PeerTally): string {
  return `${name} has ${sockets} connections, and one address may not have more of the files that the system lets the server open (peerSockets).`;
}
