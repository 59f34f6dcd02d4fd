/**
 * Limits the concurrent scans of a kind, in all and per peer.
 * @module
 */
import { type ErrorCode, StreamError } from "../../protocol/errors.ts";
import { peerGroup } from "../../support/peer-group.ts";
import type { Limits } from "../limits.ts";

/** The limits, and the words for their refusals. */
export interface QuotaTerms {
  /** The name of the scans, in the plural. */
  readonly what: string;
  /** The name of the limit for all peers together. */
  readonly all: keyof Limits;
  /** The name of the limit for each peer. */
  readonly byPeer: keyof Limits;
}

/** Counts the running scans of one kind. */
export class ScanQuota {
  readonly #limits: Readonly<Limits>;
  readonly #terms: QuotaTerms;
  readonly #byPeer = new Map<string, number>();
  #all = 0;

  constructor(limits: Readonly<Limits>, terms: QuotaTerms) {
    this.#limits = limits;
    this.#terms = terms;
  }

  /**
   * Admits a scan. Call the result when the scan is over; further calls have no effect.
   *
   * @param address The address of the client; undefined if it is unknown.
   * @throws {StreamError} `overloaded` if all peers together have too many scans, `too_many` if this peer has.
   */
  enter(address: string | undefined): () => void {
    const { what, all, byPeer } = this.#terms;
    const peer = address === undefined ? undefined : peerGroup(address);
    const { [all]: max, [byPeer]: maxByPeer } = this.#limits;
    if (max > 0 && this.#all >= max) {
      throw refusal("overloaded", `The server has ${max} ${what} under way, which is its limit (${all}).`);
    }
    if (peer !== undefined && maxByPeer > 0 && this.#of(peer) >= maxByPeer) {
      const limit = `which is the limit for one address (${byPeer})`;
      throw refusal("too_many", `${peer} has ${maxByPeer} ${what} under way, ${limit}.`);
    }
    this.#count(peer, 1);
    let isOver = false;
    return () => {
      if (!isOver) this.#count(peer, -1);
      isOver = true;
    };
  }

  #of(peer: string): number {
    return this.#byPeer.get(peer) ?? 0;
  }

  #count(peer: string | undefined, by: 1 | -1): void {
    this.#all += by;
    if (peer === undefined) return;
    const count = this.#of(peer) + by;
    if (count > 0) this.#byPeer.set(peer, count);
    else this.#byPeer.delete(peer);
  }
}

function refusal(code: ErrorCode, what: string): StreamError {
  return new StreamError(code, `${what} Try again in a moment.`, { headers: { "Retry-After": "1" } });
}
